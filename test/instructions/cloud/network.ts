import {
  type Call,
  type Cloud,
  checkServiceAccounts,
  create,
  get,
  type Json,
  lastPart,
  list,
  Refusal,
  refuseOnce,
  refuseWhileUsed,
  remove,
  text,
} from './cloud.ts';

const COLLECTIONS: Readonly<Record<string, string>> = {
  networks: 'networks',
  subnetworks: 'subnets',
  firewalls: 'firewalls',
  addresses: 'addresses',
  instances: 'machines',
};

/** compute: networks, subnets, firewall rules, addresses, machines. */
export function compute(cloud: Cloud, call: Call): Json {
  const parts = call.path.replace(/^\/compute\/v1\//, '').split('/');
  if (call.path.includes('/operations/')) return operation(call, '');
  if (call.path.includes('/images/'))
    return { selfLink: `https://x${call.path}`, name: 'debian-12' };
  const at = parts.findIndex((part) => part in COLLECTIONS);
  const kind = COLLECTIONS[parts[at] ?? ''];
  if (kind === undefined) return projectOrPlace(parts);
  const name = `${kind}/${parts[at + 1] ?? text(call.body, 'name')}`;
  const selfLink = `https://compute.googleapis.com${call.path}`;
  if (call.method === 'POST') {
    checkPlaces(cloud, kind, call.body);
    const target = `${selfLink}/${text(call.body, 'name')}`;
    create(cloud, name, { ...call.body, id: '4711', status: 'RUNNING', selfLink: target });
    return operation(call, target);
  }
  if (call.method === 'DELETE') {
    checkUnused(cloud, kind, selfLink);
    remove(cloud, name);
    return operation(call, selfLink);
  }
  if (parts[at + 1] !== undefined) return get(cloud, name);
  return { items: list(cloud, `${kind}/`).map(([, resource]) => resource) };
}

/** The project, or a zone or region of it. */
function projectOrPlace(parts: readonly string[]): Json {
  const selfLink = `https://compute.googleapis.com/compute/v1/${parts.join('/')}`;
  const metadata = { commonInstanceMetadata: { items: [] } };
  return {
    name: parts.at(-1) ?? '',
    id: '1234',
    status: 'UP',
    selfLink,
    ...(parts.length === 2 ? { ...metadata, status: undefined } : {}),
  };
}

function checkPlaces(cloud: Cloud, kind: string, body: Json): void {
  checkServiceAccounts(cloud, body);
  const json = JSON.stringify(body);
  for (const [, network] of json.matchAll(/global\/networks\/([\w-]+)/g))
    get(cloud, `networks/${network}`);
  for (const [, subnet] of json.matchAll(/subnetworks\/([\w-]+)/g)) get(cloud, `subnets/${subnet}`);
  if (kind === 'machines' && !json.includes('subnetworks/'))
    throw new Refusal(400, 'a network in custom mode needs a subnet');
}

function checkUnused(cloud: Cloud, kind: string, link: string): void {
  const path = link.replace(/^.*\/compute\/v1\//, '');
  if (kind === 'networks')
    refuseWhileUsed(cloud, path, ['subnets/', 'firewalls/', 'addresses/', 'peerings/', 'sql/']);
  if (kind === 'addresses') refuseWhileUsed(cloud, lastPart(path), ['peerings/']);
  if (kind !== 'subnets') return;
  refuseWhileUsed(cloud, lastPart(path), ['machines/', 'jobs/']);
  refuseOnce(cloud, path, 'The subnetwork is already being used by serverless-ipv4-1');
}

/** Every change is done at once; the answer says where to read of it. */
function operation(call: Call, targetLink: string): Json {
  const [, base, kind, place] =
    /^(.*?\/projects\/[^/]+)(?:\/(zone|region)s\/([^/]+))?/.exec(call.path) ?? [];
  const at = `https://compute.googleapis.com${base}/${kind === undefined ? 'global' : `${kind}s/${place}`}`;
  return {
    kind: 'compute#operation',
    operationType: call.method === 'DELETE' ? 'delete' : 'insert',
    name: 'o',
    status: 'DONE',
    progress: 100,
    selfLink: `${at}/operations/o`,
    targetLink,
    ...(kind === undefined ? {} : { [kind]: at }),
  };
}

/** servicenetworking: the peering that Cloud SQL's address comes through. */
export function peerings(cloud: Cloud, call: Call): Json {
  if (call.path.includes('/operations/')) return { name: 'operations/o', done: true, response: {} };
  const network = lastPart(text(call.body, 'network') || text(call.body, 'consumerNetwork'));
  const name = `peerings/${network}`;
  if (call.method === 'POST' && call.path.endsWith('/connections')) {
    get(cloud, `networks/${network}`);
    for (const range of call.body['reservedPeeringRanges'] as readonly string[])
      if (text(get(cloud, `addresses/${range}`), 'purpose') !== 'VPC_PEERING')
        throw new Refusal(400, `${range} is not reserved for peering`);
    create(cloud, name, { ...call.body, path: `global/networks/${network}` });
  } else if (call.method !== 'GET') {
    const busy = 'Producer services (e.g. CloudSQL) are still using this connection.';
    if (list(cloud, 'sql/').length > 0) throw new Refusal(400, busy);
    refuseOnce(cloud, name, busy);
    remove(cloud, name);
  }
  return { name: 'operations/o', done: true, response: {} };
}
