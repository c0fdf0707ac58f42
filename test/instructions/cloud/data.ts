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
  remove,
  text,
} from './cloud.ts';
import { policy } from './iam.ts';

/** sqladmin: the instance, its databases and users, and its backups. */
export async function databases(cloud: Cloud, call: Call): Promise<Json> {
  const parts = call.path.replace(/^\/(?:sql\/)?v1(?:beta4)?\/projects\/[^/]+\//, '').split('/');
  const done = {
    kind: 'sql#operation',
    name: 'o',
    status: 'DONE',
    operationType: 'X',
    targetId: parts[1] ?? '',
  };
  if (parts[0] !== 'instances') return done;
  const name = `sql/${parts[1] ?? text(call.body, 'name')}`;
  const instance = parts[1] === undefined ? undefined : get(cloud, name);
  switch (parts[2]) {
    case 'databases':
      await cloud.settings.onDatabase(text(call.body, 'name'));
      return done;
    case 'users':
      return { ...done, ...(await databaseUser(cloud, call, instance ?? {})) };
    case 'backupRuns':
      return {
        items: [{ id: '77', status: 'SUCCESSFUL', windowStartTime: '2026-01-01T03:00:00Z' }],
      };
    case 'clone': {
      const copy = text(call.body, 'cloneContext', 'destinationInstanceName');
      create(cloud, `sql/${copy}`, { ...instance, name: copy });
      return done;
    }
    case 'restoreBackup':
      if (text(call.body, 'restoreBackupContext', 'backupRunId') !== '77')
        throw new Refusal(404, 'no such backup');
      return done;
  }
  if (call.method === 'POST') {
    newInstance(cloud, name, call.body);
    return done;
  }
  if (call.method === 'PATCH' || call.method === 'PUT')
    cloud.resources.set(name, { ...instance, settings: call.body['settings'] });
  if (call.method === 'DELETE') {
    if (text(instance, 'settings', 'deletionProtectionEnabled') === 'true')
      throw new Refusal(400, 'The instance is protected. Please disable the deletion protection');
    remove(cloud, name);
  }
  if (call.method !== 'GET') return done;
  return instance ?? { items: list(cloud, 'sql/').map(([, each]) => each) };
}

function newInstance(cloud: Cloud, name: string, body: Json): void {
  const network = lastPart(text(body, 'settings', 'ipConfiguration', 'privateNetwork'));
  if (!cloud.resources.has(`peerings/${network}`))
    throw new Refusal(400, `the network ${network} has no private services connection`);
  create(cloud, name, {
    ...body,
    state: 'RUNNABLE',
    backendType: 'SECOND_GEN',
    instanceType: 'CLOUD_SQL_INSTANCE',
    ipAddresses: [{ type: 'PRIVATE', ipAddress: cloud.settings.databaseAddress }],
    serverCaCert: { cert: cloud.settings.databaseAuthority },
  });
}

async function databaseUser(cloud: Cloud, call: Call, instance: Json): Promise<Json> {
  if (call.method === 'GET') return { items: [{ name: 'postgres', host: '' }] };
  const name = text(call.body, 'name') || (call.query.get('name') ?? '');
  const iam = text(call.body, 'type').startsWith('CLOUD_IAM');
  if (iam) {
    if (!JSON.stringify(instance).includes('cloudsql.iam_authentication'))
      throw new Refusal(400, 'IAM authentication is not on');
    get(cloud, `accounts/${name}.gserviceaccount.com`);
  } else if (text(call.body, 'password') === '') throw new Refusal(400, 'no password');
  await cloud.settings.onDatabaseUser(name, iam ? undefined : text(call.body, 'password'));
  return {};
}

/** storage: buckets and the few objects that are put there by hand. */
export function storage(cloud: Cloud, call: Call): Json {
  const [, bucket, more, object] =
    /\/b\/([^/]+)(?:\/(o|iam|storageLayout|managedFolders)(?:\/(.+))?)?$/.exec(call.path) ?? [];
  if (bucket === undefined && call.method === 'POST')
    return create(cloud, `buckets/${text(call.body, 'name')}`, {
      ...call.body,
      metageneration: '1',
    });
  const name = `buckets/${bucket}`;
  const found = get(cloud, name);
  if (more === 'iam') return policy(cloud, call, name);
  if (more === 'managedFolders') return { items: [] };
  if (more === 'storageLayout') return { bucket: bucket ?? '', location: 'EU' };
  if (more === 'o') return objects(cloud, call, name, object);
  if (call.method === 'PATCH') cloud.resources.set(name, { ...found, ...call.body });
  if (call.method === 'DELETE') {
    if (list(cloud, `${name}/o/`).length > 0) throw new Refusal(409, 'The bucket is not empty');
    remove(cloud, name);
    cloud.resources.delete(`iam/${name}`);
  }
  return cloud.resources.get(name) ?? {};
}

function objects(cloud: Cloud, call: Call, bucket: string, object: string | undefined): Json {
  const prefix = `${bucket}/o/`;
  if (object !== undefined) {
    const name = `${prefix}${decodeURIComponent(object)}`;
    if (call.method === 'DELETE') remove(cloud, name);
    return call.method === 'DELETE' ? {} : get(cloud, name);
  }
  if (call.method === 'POST') return upload(cloud, call, prefix);
  const begin = `${prefix}${call.query.get('prefix') ?? ''}`;
  return { kind: 'storage#objects', items: list(cloud, begin).map(([, each]) => each) };
}

/** A multipart upload: a part with the metadata, and a part with the bytes. */
function upload(cloud: Cloud, call: Call, prefix: string): Json {
  const body = Buffer.from(call.bytes).toString('latin1');
  const boundary = body.slice(0, body.indexOf('\n')).trim();
  const [, metadata = '', content = ''] = body.split(boundary).map(partContent);
  const name = text(JSON.parse(metadata), 'name');
  const resource = {
    name,
    bucket: call.path.split('/b/')[1]?.split('/')[0] ?? '',
    generation: '1',
    metageneration: '1',
    size: String(content.length),
    md5Hash: new Bun.CryptoHasher('md5').update(Buffer.from(content, 'latin1')).digest('base64'),
    content,
  };
  cloud.resources.set(`${prefix}${name}`, resource);
  return resource;
}

/** What follows a part's header; the line break before the next boundary is not of it. */
function partContent(part: string): string {
  const begin = /\r?\n\r?\n/.exec(part);
  return begin === null ? '' : part.slice(begin.index + begin[0].length).replace(/\r?\n$/, '');
}

/** bigquery: statements about rights, and lists. A job is done before it is asked for. */
export function bigquery(cloud: Cloud, call: Call): Json {
  if (call.path.endsWith('/jobs') && call.method === 'GET') return { kind: 'bigquery#jobList' };
  if (call.method === 'POST') {
    statement(cloud, text(call.body, 'configuration', 'query', 'query'));
    return finishedJob(call.body['jobReference'], call.body['configuration']);
  }
  const jobReference = { projectId: cloud.settings.project, jobId: lastPart(call.path) };
  const empty = { jobComplete: true, schema: { fields: [] }, totalRows: '0' };
  return call.path.includes('/queries/')
    ? { kind: 'bigquery#getQueryResultsResponse', jobReference, ...empty }
    : finishedJob(jobReference, { jobType: 'QUERY', query: { query: 'GRANT' } });
}

function finishedJob(jobReference: unknown, configuration: unknown): Json {
  const times = { creationTime: '1', startTime: '1', endTime: '2' };
  return {
    kind: 'bigquery#job',
    id: text(jobReference, 'jobId'),
    jobReference,
    configuration,
    status: { state: 'DONE' },
    statistics: { ...times, query: { statementType: 'GRANT' } },
  };
}

function statement(cloud: Cloud, sql: string): void {
  const match =
    /^(GRANT|REVOKE) `(roles\/[\w.]+)` ON SCHEMA `([\w-]+\.[\w-]+)` (TO|FROM) '(serviceAccount:[^']+)'$/.exec(
      sql,
    );
  if (match === null) throw new Refusal(400, `syntax error in ${sql}`);
  const [, verb, role, dataset, preposition, member] = match;
  if ((verb === 'GRANT') !== (preposition === 'TO')) throw new Refusal(400, 'syntax error');
  checkServiceAccounts(cloud, { member });
  const name = `iam/datasets/${dataset}`;
  if (verb === 'REVOKE') remove(cloud, name);
  else create(cloud, name, { bindings: [{ role, members: [member] }] });
}
