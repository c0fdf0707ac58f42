import {
  at,
  type Call,
  type Cloud,
  checkServiceAccounts,
  create,
  get,
  type Json,
  lastPart,
  list,
  Refusal,
  remove,
  text,
} from './cloud.ts';
import { policy } from './iam.ts';

/** run: the jobs (v1's namespaces), and starting them. */
export function jobs(cloud: Cloud, call: Call): Json {
  const job = lastPart(call.path).split(':')[0] ?? '';
  if (call.path.includes('IamPolicy')) {
    get(cloud, `jobs/${job}`);
    return policy(cloud, call, `jobs/${job}`);
  }
  if (call.path.includes('/executions')) return execution(cloud, lastPart(call.path));
  if (call.path.endsWith(':run')) return execution(cloud, job);
  if (call.method === 'POST' || call.method === 'PUT') {
    const name = `jobs/${text(call.body, 'metadata', 'name')}`;
    checkJob(cloud, call.body);
    if (call.method === 'POST') create(cloud, name, call.body);
    const metadata = { ...(call.body['metadata'] as Json), generation: 1 };
    cloud.resources.set(name, { ...call.body, metadata, status: ready() });
  }
  if (call.method === 'DELETE') {
    remove(cloud, `jobs/${job}`);
    cloud.resources.delete(`iam/jobs/${job}`);
    return {};
  }
  if (call.path.endsWith('/jobs') && call.method === 'GET') return { items: [] };
  return get(cloud, `jobs/${text(call.body, 'metadata', 'name') || job}`);
}

function ready(): Json {
  return {
    observedGeneration: 1,
    conditions: [{ type: 'Ready', status: 'True' }],
    latestCreatedExecution: {},
  };
}

/** Whatever a job names must be there. */
function checkJob(cloud: Cloud, job: Json): void {
  checkServiceAccounts(cloud, job);
  const json = JSON.stringify(job);
  for (const [, image] of json.matchAll(/"image":"([^"]+)"/g)) checkImage(cloud, image ?? '');
  for (const [, bucket] of json.matchAll(/"bucketName":"([^"]+)"/g))
    get(cloud, `buckets/${bucket}`);
  for (const [, secret] of json.matchAll(/"secretKeyRef":\{[^}]*"name":"([^"]+)"/g))
    get(cloud, `secrets/${secret}`);
  const interfaces = text(
    job,
    'spec',
    'template',
    'metadata',
    'annotations',
    'run.googleapis.com/network-interfaces',
  );
  for (const each of JSON.parse(interfaces || '[]') as readonly Json[]) {
    get(cloud, `networks/${lastPart(text(each, 'network'))}`);
    get(cloud, `subnets/${lastPart(text(each, 'subnetwork'))}`);
  }
}

function checkImage(cloud: Cloud, image: string): void {
  const repository = image.split('/')[2] ?? '';
  get(cloud, `repositories/${repository}`);
}

function execution(cloud: Cloud, job: string): Json {
  const name = job.replace(/-run1$/, '');
  const tasks = Number(
    at(get(cloud, `jobs/${name}`), 'spec', 'template', 'spec', 'taskCount') ?? 1,
  );
  return {
    apiVersion: 'run.googleapis.com/v1',
    kind: 'Execution',
    metadata: {
      name: `${name}-run1`,
      namespace: cloud.settings.project,
      labels: {},
      annotations: {},
      generation: 1,
    },
    spec: { taskCount: tasks, template: { spec: { containers: [{}] } } },
    status: {
      ...ready(),
      conditions: [{ type: 'Completed', status: 'True' }],
      succeededCount: tasks,
      completionTime: '2026-01-01T00:00:00Z',
    },
  };
}

/** cloudscheduler: what starts what, and as whom. */
export function schedules(cloud: Cloud, call: Call): Json {
  if (call.path.endsWith('/locations')) return { locations: [] };
  const name = `schedules/${lastPart(call.method === 'POST' ? text(call.body, 'name') : call.path)}`;
  if (call.method === 'DELETE') {
    remove(cloud, name);
    return {};
  }
  if (call.method !== 'POST') return get(cloud, name);
  checkServiceAccounts(cloud, call.body);
  const started = /\/jobs\/([\w-]+):run$/.exec(text(call.body, 'httpTarget', 'uri'))?.[1];
  get(cloud, `jobs/${started}`);
  return create(cloud, name, call.body);
}

/** artifactregistry: the repository of the image. */
export function repositories(cloud: Cloud, call: Call): Json {
  if (call.path.includes('/operations/')) return { name: 'o', done: true, response: {} };
  const id = call.query.get('repositoryId') ?? lastPart(call.path).split(':')[0];
  const name = `repositories/${id}`;
  if (call.path.includes('IamPolicy')) {
    get(cloud, name);
    return policy(cloud, call, name);
  }
  if (call.method === 'POST') create(cloud, name, call.body);
  else if (call.method === 'DELETE') {
    remove(cloud, name);
    cloud.resources.delete(`iam/${name}`);
  } else return get(cloud, name);
  return { name: `projects/p/locations/l/operations/o`, done: true, response: {} };
}

/** batch: a job of many tasks. */
export function batches(cloud: Cloud, call: Call): Json {
  const name = `batches/${call.query.get('jobId') ?? lastPart(call.path)}`;
  if (call.method === 'DELETE') {
    remove(cloud, name);
    return { name: 'o', done: true };
  }
  if (call.method !== 'POST') return get(cloud, name);
  checkServiceAccounts(cloud, call.body);
  for (const place of JSON.stringify(call.body).matchAll(/"(network|subnetwork)": ?"([^"]+)"/g))
    get(cloud, `${place[1] === 'network' ? 'networks' : 'subnets'}/${lastPart(place[2] ?? '')}`);
  return create(cloud, name, {
    ...call.body,
    name: `projects/p/locations/l/jobs/x`,
    uid: 'u',
    status: { state: 'QUEUED' },
  });
}

/** logging: metrics and entries. */
export function logging(cloud: Cloud, call: Call): Json {
  if (call.path.endsWith('/entries:list')) return { entries: [] };
  const name = `metrics/${lastPart(call.method === 'POST' ? text(call.body, 'name') : call.path)}`;
  if (call.method === 'POST') return create(cloud, name, call.body);
  if (call.method === 'DELETE') remove(cloud, name);
  return call.method === 'DELETE' ? {} : get(cloud, name);
}

const MONITORING_KINDS = ['notificationChannels', 'alertPolicies', 'dashboards'] as const;

/** monitoring: channels, policies that name metrics and channels, dashboards that name metrics. */
export function monitoring(cloud: Cloud, call: Call): Json {
  const kind = MONITORING_KINDS.find((each) => call.path.includes(each)) ?? '';
  const name = `${kind}/${lastPart(call.path)}`;
  if (call.method === 'POST') {
    if (kind !== 'notificationChannels') checkMetrics(cloud, call.body);
    const id = list(cloud, `${kind}/`).length + 1;
    const resource = { ...call.body, name: `projects/${cloud.settings.project}/${kind}/${id}` };
    return create(cloud, `${kind}/${id}`, resource);
  }
  if (call.method === 'DELETE') {
    for (const [, each] of list(cloud, 'alertPolicies/'))
      if (kind === 'notificationChannels' && JSON.stringify(each).includes(name))
        throw new Refusal(400, `${name} is used by a policy`);
    remove(cloud, name);
    return {};
  }
  return call.path.endsWith(kind)
    ? { [kind]: list(cloud, `${kind}/`).map(([, each]) => each) }
    : get(cloud, name);
}

/** By their types, and in PromQL by names that end in what a distribution has. */
function checkMetrics(cloud: Cloud, policyOrDashboard: Json): void {
  const json = JSON.stringify(policyOrDashboard);
  const metrics = [
    ...json.matchAll(/logging\.googleapis\.com\/user\/(\w+)/g),
    ...json.matchAll(/logging_googleapis_com:user_([a-z_]+?)(?:_(?:sum|count|bucket))?\{/g),
  ];
  if (metrics.length === 0) throw new Refusal(400, 'no metric is named');
  for (const [, metric] of metrics) get(cloud, `metrics/${metric}`);
  for (const [channel] of json.matchAll(/notificationChannels\/\d+/g)) get(cloud, channel);
}
