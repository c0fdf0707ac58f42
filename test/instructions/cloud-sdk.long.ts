import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { at, type Call, type CloudSettings, type Json, text } from './cloud/cloud.ts';
import { blocksOf, DEPLOYMENT, instructions, scriptOf } from './document.ts';
import { type Walk, walk } from './walk.ts';

setDefaultTimeout(1_800_000);

const PROJECT = 'my-project';
const SERVICE_ACCOUNT = `bq-to-postgres@${PROJECT}.iam.gserviceaccount.com`;

const users = new Map<string, string | undefined>();
const SETTINGS: CloudSettings = {
  project: PROJECT,
  account: 'you@example.com',
  databaseAddress: '10.30.0.3',
  databaseAuthority: '-----BEGIN CERTIFICATE-----',
  token: 'the-token-of-the-service-account',
  onDatabase: () => Promise.resolve(),
  onDatabaseUser: async (name, password) => {
    users.set(name, password);
  },
};

const folders: string[] = [];
const newFolder = () => {
  const folder = mkdtempSync(join(tmpdir(), 'instructions-'));
  folders.push(folder);
  return folder;
};

let whole: Walk;
beforeAll(async () => {
  if (Bun.which('gcloud') === null || Bun.which('bq') === null)
    throw new Error(
      'the Cloud SDK is not installed: its part of the instructions cannot be checked',
    );
  whole = await walk({ folder: newFolder(), settings: SETTINGS });
});
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

const built = (name: string): Json => {
  const resource = whole.cloud.atItsHeight.get(name);
  if (resource === undefined) throw new Error(`${name} was not built`);
  return resource;
};
const json = (name: string) => JSON.stringify(built(name));
const calls = (service: string, test: (call: Call) => boolean = () => true) =>
  whole.cloud.calls.filter((call) => call.service === service && test(call));
const membersByRole = (name: string) =>
  Object.fromEntries(
    (built(`iam/${name}`)['bindings'] as readonly Json[]).map((each) => [
      text(each, 'role'),
      each['members'],
    ]),
  );

test('every block runs to its end with the real Cloud SDK', () => {
  expect({
    exitCode: whole.exitCode,
    block: whole.block,
    output: whole.output.slice(-2000),
  }).toMatchObject({
    exitCode: 0,
    block: expect.stringContaining('Take-down'),
  });
});

test('every gcloud, bq and gsutil line of the document reached its service', () => {
  const lines = instructions().match(/^\s*(?:[A-Z]+=\$\()?(?:gcloud|bq|gsutil) .*/gm) ?? [];
  expect(lines.length).toBeGreaterThan(50);
  const services = new Set(whole.cloud.calls.map((call) => call.service));
  expect([...services].sort()).toEqual([
    'artifactregistry',
    'batch',
    'bigquery',
    'cloudbilling',
    'cloudresourcemanager',
    'cloudscheduler',
    'compute',
    'iam',
    'iamcredentials',
    'logging',
    'monitoring',
    'oslogin',
    'run',
    'secretmanager',
    'servicenetworking',
    'serviceusage',
    'sqladmin',
    'storage',
  ]);
});

test('the network lets in SSH through the proxy alone, and reaches Google without an address', () => {
  expect(built('networks/bq-to-postgres')).toMatchObject({ autoCreateSubnetworks: false });
  expect(built('subnets/bq-to-postgres')).toMatchObject({ privateIpGoogleAccess: true });
  expect(built('firewalls/bq-to-postgres-iap-ssh')).toMatchObject({
    direction: 'INGRESS',
    sourceRanges: ['35.235.240.0/20'],
    allowed: [{ IPProtocol: 'tcp', ports: ['22'] }],
  });
  expect(
    [...whole.cloud.atItsHeight.keys()].filter((name) => name.startsWith('firewalls/')),
  ).toHaveLength(1);
});

test('the database server has a private address only, takes TLS only, and lets IAM users in', () => {
  const instance = built('sql/bq-to-postgres');
  const ip = at(instance, 'settings', 'ipConfiguration');
  expect(ip).toMatchObject({
    ipv4Enabled: false,
    sslMode: 'ENCRYPTED_ONLY',
    serverCaMode: 'GOOGLE_MANAGED_INTERNAL_CA',
  });
  expect(text(ip, 'privateNetwork')).toEndWith('global/networks/bq-to-postgres');
  const flags = at(instance, 'settings', 'databaseFlags') as readonly Json[];
  expect(flags).toContainEqual(
    expect.objectContaining({ name: 'cloudsql.iam_authentication', value: 'on' }),
  );
  expect(flags).toContainEqual(
    expect.objectContaining({ name: 'cloudsql.enable_pg_cron', value: 'on' }),
  );
  expect(instance).toMatchObject({ databaseVersion: 'POSTGRES_17' });
  expect(text(instance, 'settings', 'edition')).toBe('ENTERPRISE');
});

test('the database users are the service account without a password, or one with a password', () => {
  expect(users.get(`bq-to-postgres@${PROJECT}.iam`)).toBeUndefined();
  expect(users.has(`bq-to-postgres@${PROJECT}.iam`)).toBe(true);
  expect(users.get('bq_to_postgres')).toMatch(/^[0-9a-f]{48}$/);
  expect(users.get('postgres')).toMatch(/^[0-9a-f]{48}$/);
});

test('the service account has the roles of the table, and no others', () => {
  const member = [`serviceAccount:${SERVICE_ACCOUNT}`];
  expect(membersByRole('project')).toEqual({
    'roles/bigquery.jobUser': member,
    'roles/cloudsql.instanceUser': member,
    'roles/logging.logWriter': member,
    'roles/monitoring.metricWriter': member,
    'roles/batch.agentReporter': member,
    'roles/iap.tunnelResourceAccessor': ['user:you@example.com'],
    'roles/compute.osAdminLogin': ['user:you@example.com'],
  });
  expect(membersByRole(`datasets/${PROJECT}.warehouse`)).toEqual({
    'roles/bigquery.dataViewer': member,
  });
  expect(Object.keys(membersByRole(`buckets/${PROJECT}-bq-to-postgres`)).sort()).toEqual(
    [...instructions().matchAll(/^\| `(storage\.\w+)` \| bucket/gm)]
      .map(([, role]) => `roles/${role}`)
      .sort(),
  );
});

test('the bucket is closed, keeps nothing deleted, and sweeps only what runs leave', () => {
  const bucket = built(`buckets/${PROJECT}-bq-to-postgres`);
  expect(bucket).toMatchObject({
    location: 'EU',
    iamConfiguration: {
      publicAccessPrevention: 'enforced',
      uniformBucketLevelAccess: { enabled: true },
    },
    lifecycle: {
      rule: [
        { action: { type: 'Delete' }, condition: { age: 7, matchesPrefix: ['bq_to_postgres/'] } },
      ],
    },
  });
  expect(text(bucket, 'softDeletePolicy', 'retentionDurationSeconds')).toBe('0');
});

test('the VM has no external address, its own service account, and the scope for all of Google', () => {
  const vm = built('machines/bq-to-postgres');
  const [network] = vm['networkInterfaces'] as readonly Json[];
  expect(network).not.toHaveProperty('accessConfigs');
  expect(text(network, 'subnetwork')).toEndWith('/subnetworks/bq-to-postgres');
  expect(vm['serviceAccounts']).toEqual([
    { email: SERVICE_ACCOUNT, scopes: ['https://www.googleapis.com/auth/cloud-platform'] },
  ]);
  expect(text(vm, 'machineType')).toEndWith('/e2-medium');
  expect(json('machines/bq-to-postgres')).toContain('enable-oslogin');
});

test('every connection to the VM goes through the proxy', () => {
  const connections = whole
    .log('ssh')
    .split('\n')
    .filter((line) => line.includes('compute.4711'));
  expect(connections.length).toBeGreaterThan(10);
  for (const line of connections) expect(line).toContain('start-iap-tunnel');
});

test('no password is on a command line', () => {
  const passwords = [...users.values()].filter((password) => password !== undefined);
  for (const tool of ['ssh', 'psql', 'docker'])
    for (const password of passwords) expect(whole.log(tool)).not.toContain(password);
});

test('the Cloud Run job shares the list in the bucket by four tasks, inside the network', () => {
  const job = built('jobs/bq-to-postgres');
  const spec = at(job, 'spec', 'template', 'spec') as Json;
  expect(spec).toMatchObject({ taskCount: 4, parallelism: 4 });
  const annotations = at(job, 'spec', 'template', 'metadata', 'annotations') as Json;
  expect(annotations).toMatchObject({
    'run.googleapis.com/vpc-access-egress': 'private-ranges-only',
  });
  const [container] = at(spec, 'template', 'spec', 'containers') as readonly Json[];
  expect(container).toMatchObject({ command: ['/usr/local/bin/each'] });
  expect(JSON.stringify(container)).toContain('sslrootcert=/mnt/config/server-ca.pem');
  expect(text(spec, 'template', 'spec', 'serviceAccountName')).toBe(SERVICE_ACCOUNT);
  expect(text(built(`buckets/${PROJECT}-bq-to-postgres/o/config/tables.txt`), 'content')).toBe(
    `# dataset table target\n${PROJECT}.warehouse orders orders\n`,
  );
  expect(text(container, 'image')).toMatch(/\/bq-to-postgres@sha256:[0-9a-f]{64}$/);
});

test('Cloud Scheduler starts the job every fifteen minutes, as an account that can do only that', () => {
  const caller = `bq-to-postgres-caller@${PROJECT}.iam.gserviceaccount.com`;
  expect(built('schedules/bq-to-postgres')).toMatchObject({
    schedule: '*/15 * * * *',
    httpTarget: { httpMethod: 'POST', oauthToken: { serviceAccountEmail: caller } },
  });
  expect(membersByRole('jobs/bq-to-postgres')).toEqual({
    'roles/run.invoker': [`serviceAccount:${caller}`],
  });
  expect(JSON.stringify(membersByRole('project'))).not.toContain(caller);
});

test('the Batch job has its tasks inside the network, without external addresses', () => {
  expect(json('batches/bq-to-postgres')).toContain('"noExternalIpAddress":true');
  expect(built('batches/bq-to-postgres')).toMatchObject({
    taskGroups: [
      {
        taskCount: '32',
        taskSpec: { runnables: [{ container: { entrypoint: '/usr/local/bin/each' } }] },
      },
    ],
    allocationPolicy: { serviceAccount: { email: SERVICE_ACCOUNT } },
  });
});

test('all alerts mail the address that was given, and name the table', () => {
  expect(built('notificationChannels/1')).toMatchObject({
    type: 'email',
    labels: { email_address: 'you@example.com' },
  });
  const channel = `projects/${PROJECT}/notificationChannels/1`;
  const policies = [...whole.cloud.atItsHeight].filter(([name]) =>
    name.startsWith('alertPolicies/'),
  );
  expect(policies).toHaveLength(5);
  for (const [, policy] of policies) {
    expect(policy).toMatchObject({ notificationChannels: [channel] });
    expect(text(policy, 'documentation', 'subject')).toContain('metric.label.table');
  }
  expect(built('dashboards/1')).toMatchObject({ displayName: 'bq_to_postgres' });
});

test('the take-down leaves nothing but your own rights', () => {
  expect([...whole.cloud.resources.keys()]).toEqual(['iam/project']);
  expect(JSON.stringify(whole.cloud.resources.get('iam/project'))).not.toContain('serviceAccount:');
  expect([...whole.cloud.refusedOnce]).toHaveLength(2);
  expect(
    calls('servicenetworking', (call) => call.section.startsWith('11.')).length,
  ).toBeGreaterThan(1);
});

test('shellcheck has nothing against the blocks, the task script and the stand-ins', async () => {
  const folder = newFolder();
  const script = scriptOf(blocksOf(instructions()), (block) => `# line ${block.line}`);
  await Bun.write(join(folder, 'document'), `#!/bin/bash\nset -euo pipefail\n${script}`);
  const stubs = [...new Bun.Glob('stubs/*').scanSync({ cwd: import.meta.dir, absolute: true })];
  const files = [join(folder, 'document'), join(DEPLOYMENT, 'each'), ...stubs];
  const run = Bun.spawnSync(['shellcheck', '--severity=warning', ...files]);
  expect(run.stdout.toString()).toBe('');
});

/** A slip in the document, and the section whose block then fails. */
const SLIPS: readonly (readonly [
  what: string,
  from: string | RegExp,
  to: string,
  section: string,
])[] = [
  [
    'a misspelt flag',
    '--enable-private-ip-google-access',
    '--enable-private-google-access',
    '2. Network',
  ],
  [
    'a service that was not enabled',
    ' servicenetworking.googleapis.com sqladmin',
    ' sqladmin',
    '2. Network',
  ],
  [
    'a peering that was left out',
    /gcloud services vpc-peerings connect.*\n.*\n/,
    '',
    '3. Cloud SQL',
  ],
  ['a variable that is not set', '--range=10.20.0.0/22', '--range="$RANGE"', '2. Network'],
];

for (const [what, from, to, section] of SLIPS)
  test(`${what} fails the walk`, async () => {
    const document = instructions().replace(from, to);
    expect(document).not.toBe(instructions());
    const broken = await walk({ folder: newFolder(), settings: SETTINGS, document });
    expect(broken.exitCode).not.toBe(0);
    expect(broken.block).toEndWith(section);
  });
