import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quoteIdentifier, quoteLiteral } from '../../src/postgres/quoting.ts';
import { type Google, startGoogle } from '../gcp/google.ts';
import { runAsSuperuser } from '../server/database.ts';
import { startPostgres, type TestServer } from '../server/server.ts';
import { builtProgram } from '../tools/built-program.ts';
import { makeCertificate } from './certificates.ts';
import { at, type Json, text } from './cloud/cloud.ts';
import { bootMachine, command, commandBeside, type Machine, makeDebian } from './machine.ts';
import { type Walk, walk } from './walk.ts';

setDefaultTimeout(1_800_000);

/**
 * The instructions from end to end: the commands for the VM run in a Debian with its own systemd,
 * the program under the restrictions of its unit, with an IAM token as the database password, by
 * TLS; the image is built, and a task of the job is run in it. Needs root, debootstrap,
 * systemd-nspawn, buildah and psql.
 */
const ADDRESS = '127.0.0.5';
const BUILDAH = { BUILDAH_ISOLATION: 'chroot', STORAGE_DRIVER: 'vfs' };
const folder = mkdtempSync(join(tmpdir(), 'machine-'));
const buildah = (...words: readonly string[]) => command(['buildah', ...words], storage);
const storage = { ...BUILDAH, CONTAINERS_STORAGE_CONF: join(folder, 'storage.conf') };
const stops: (() => unknown)[] = [];

let google: Google;
let server: TestServer;
let machine: Machine;
let whole: Walk;
let environment: Readonly<Record<string, string>>;

beforeAll(async () => {
  const binary = await builtProgram();
  google = await startGoogle();
  await google.createDataset('warehouse', { location: 'EU', project: 'my-project' });
  google.createBucket('my-project-bq-to-postgres', { location: 'EU' });
  const schema = [
    { name: 'id', type: 'INT64' },
    { name: 'max_ingested_at', type: 'TIMESTAMP' },
  ];
  await google.createTable('warehouse', 'orders', schema, { project: 'my-project' });
  await google.sql(
    "INSERT INTO `my-project.warehouse.orders` SELECT id, TIMESTAMP '2026-01-01 00:00:00+00' FROM UNNEST(GENERATE_ARRAY(1, 1000)) AS id",
  );
  const tls = makeCertificate(join(folder, 'tls'), [`IP:${ADDRESS}`, 'IP:127.0.0.1']);
  const pem = (path: string) => readFileSync(path, 'utf8');
  server = await startPostgres({
    auth: 'password',
    tls: { cert: pem(tls.certificate), key: pem(tls.key) },
  });
  await forward(ADDRESS, 5432);
  await forward('127.0.0.1', 6543);
  const { host, token } = await oneToken(google.env['GCE_METADATA_HOST'] ?? '');
  environment = { ...google.env, GCE_METADATA_HOST: host };
  const debian = makeDebian(folder);
  makeBase(debian);
  machine = await bootMachine(debian, environment);
  mkdirSync(join(folder, 'walk'));
  writeFileSync(join(folder, 'walk/machine'), String(machine.leader));
  writeFileSync(join(folder, 'walk/server'), 'yes');
  whole = await walk({
    folder: join(folder, 'walk'),
    binary,
    environment: { ...environment, ...storage, BUILD_BASE: 'localhost/base' },
    settings: {
      project: 'my-project',
      account: 'you@example.com',
      databaseAddress: ADDRESS,
      databaseAuthority: pem(tls.authority),
      token,
      onDatabase: (name) => runAsSuperuser(server, `CREATE DATABASE ${quoteIdentifier(name)}`),
      onDatabaseUser: async (name, password) => {
        const verb = name === 'postgres' ? 'ALTER' : 'CREATE';
        const secret = quoteLiteral(password ?? token);
        const user = quoteIdentifier(name);
        await runAsSuperuser(server, `${verb} ROLE ${user} LOGIN PASSWORD ${secret}`);
      },
    },
  });
});

afterAll(async () => {
  await machine?.[Symbol.asyncDispose]();
  for (const stop of stops) stop();
  await server?.stop();
  await google?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** What reaches `host:port` goes to the server: Cloud SQL's address, and the tunnel's near end. */
async function forward(host: string, port: number): Promise<void> {
  const listener = createServer((client) => {
    const upstream = connect(server.port, '127.0.0.1');
    client.pipe(upstream).pipe(client);
    client.on('error', () => upstream.destroy());
    upstream.on('error', () => client.destroy());
  });
  await new Promise<void>((resolve) => listener.listen(port, host, resolve));
  stops.push(() => listener.close());
}

/** A metadata server that hands out one token, since a role of the test's server has one password. */
async function oneToken(behind: string): Promise<{ host: string; token: string }> {
  const headers = { 'metadata-flavor': 'Google' };
  const path = '/computeMetadata/v1/instance/service-accounts/default/token';
  const first = await (await fetch(`http://${behind}${path}`, { headers })).text();
  const metadata = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: async (request) => {
      const url = new URL(request.url);
      if (url.pathname === path)
        return new Response(first, { headers: { ...headers, 'content-type': 'application/json' } });
      return fetch(`http://${behind}${url.pathname}${url.search}`, { headers: request.headers });
    },
  });
  stops.push(() => metadata.stop(true));
  return { host: `127.0.0.1:${metadata.port}`, token: text(JSON.parse(first), 'access_token') };
}

/** The base of the image, in place of the one that would be pulled. */
function makeBase(debian: string): void {
  const lines = [
    '[storage]',
    'driver = "vfs"',
    `graphroot = "${folder}/images"`,
    `runroot = "${folder}/run"`,
  ];
  writeFileSync(storage.CONTAINERS_STORAGE_CONF, `${lines.join('\n')}\n`);
  const container = buildah('from', 'scratch').trim();
  for (const part of ['lib64', 'lib', 'bin'])
    buildah('copy', '--quiet', container, join(debian, 'usr', part), `/${part}`);
  buildah('commit', '--quiet', '--rm', container, 'localhost/base');
}

async function rows(statement: string): Promise<string> {
  const words = [
    'psql',
    '-At',
    '-h',
    server.socketDirectory,
    '-p',
    String(server.port),
    '-U',
    'postgres',
  ];
  return command([...words, '-d', 'warehouse', '-c', statement]).trim();
}

test('the instructions run to their end, on the machine and in the database', async () => {
  if (whole.exitCode !== 0)
    console.log((await machine.run('journalctl --no-pager | tail -60')).output);
  expect({
    exitCode: whole.exitCode,
    block: whole.block,
    output: whole.output.slice(-3000),
  }).toMatchObject({
    exitCode: 0,
    block: expect.stringContaining('Take-down'),
  });
});

test('the table has arrived, and was loaded anew when it was asked for', async () => {
  expect(await rows('SELECT count(*), min(id), max(id) FROM orders')).toBe('1000|1|1000');
  expect(
    await rows("SELECT count(*) FROM sync_runs WHERE status = 'applied' AND mode = 'full'"),
  ).toBe('2');
  expect(await rows("SELECT tableowner FROM pg_tables WHERE tablename = 'orders'")).toBe(
    'bq-to-postgres@my-project.iam',
  );
});

test('the run by hand finds nothing new, and says so', () => {
  expect(whole.output).toMatch(/[Nn]othing new/);
});

test('the drill fails, and the machine says so in words that the alert looks for', async () => {
  const { output } = await machine.run(
    'journalctl --unit=bq_to_postgres-failed@drill --output=cat --no-pager',
  );
  const line = output.split('\n').find((each) => each.includes('sync_failed')) ?? '{}';
  expect(JSON.parse(line)).toMatchObject({
    severity: 'CRITICAL',
    table: 'drill',
    result: 'exit-code',
    status: '1',
  });
  const run = await machine.run('journalctl --unit=bq_to_postgres@drill --output=cat --no-pager');
  expect(run.output).toContain('no_such_table');
  expect(whole.output).toContain('no_such_table');
});

test('the timer runs the service, which brings what is new', async () => {
  await google.sql(
    "INSERT INTO `my-project.warehouse.orders` VALUES (1001, TIMESTAMP '2026-01-02 00:00:00+00')",
  );
  await machine.run('systemctl enable --now bq_to_postgres@orders.timer');
  const timers = await machine.run('systemctl list-timers --no-pager');
  expect(timers.output).toContain('bq_to_postgres@orders.service');
  const started = await machine.run('systemctl start bq_to_postgres@orders.service');
  expect(started).toMatchObject({ exitCode: 0 });
  expect(await rows('SELECT count(*) FROM orders')).toBe('1001');
});

test('the list’s service syncs each table within the slice, and names the one that fails', async () => {
  const unit = 'bq_to_postgres-tables.service';
  const show = `systemctl show --property=Result,Slice ${unit}`;
  expect((await machine.run(`systemctl start ${unit}; ${show}`)).output).toBe(
    'Result=success\nSlice=bq_to_postgres.slice\n',
  );
  const list = '/etc/bq_to_postgres/tables.txt';
  await machine.run(
    `cp ${list} /tmp/list; sed -i '1i my-project.warehouse no_such_table lost' ${list}`,
  );
  await google.sql(
    "INSERT INTO `my-project.warehouse.orders` VALUES (2001, TIMESTAMP '2026-01-02 00:00:01+00')",
  );
  const failed = await machine.run(`systemctl start ${unit}; ${show}; cp /tmp/list ${list}`);
  expect(failed.output).toContain('Result=exit-code');
  expect(await rows('SELECT count(*) FROM orders WHERE id = 2001')).toBe('1');
  const { output } = await machine.run(`journalctl --unit=${unit} --output=cat --no-pager`);
  const lines = output.split('\n').filter((line) => line.includes('sync_failed'));
  expect(lines.map((line) => JSON.parse(line).table)).toEqual(['lost']);
});

test('a way back leads to the program of before', async () => {
  expect((await machine.run('ls /usr/local/bin')).output).toContain('bq_to_postgres.before');
});

test('the password alternative hands the service a passfile that nobody else can read', async () => {
  const shown = await machine.run(
    'systemctl show --property=LoadCredential,Environment bq_to_postgres@orders.service; stat -c %a /etc/bq_to_postgres/pgpass',
  );
  expect(shown.output).toContain('pgpass');
  expect(shown.output).toMatch(/PGPASSFILE=\/run\/credentials\//);
  expect(shown.output).toEndWith('600\n');
});

test('the unit is locked down as far as systemd can tell', async () => {
  const { output } = await machine.run(
    'systemd-analyze security --no-pager bq_to_postgres@orders.service',
  );
  const score = Number(/exposure level for \S+: ([\d.]+)/.exec(output)?.[1]);
  console.log(`systemd-analyze security: ${score} (0 is closed, 10 is open)`);
  expect(score).toBeLessThan(2.5);
});

test('the image runs a task of the job, with nothing but what the job gives it', async () => {
  const job = whole.cloud.atItsHeight.get('jobs/bq-to-postgres');
  const spec = at(job, 'spec', 'template', 'spec', 'template', 'spec');
  const [container] = at(spec, 'containers') as readonly Json[];
  const [entry] = at(container, 'command') as readonly string[];
  mkdirSync(join(folder, 'volume/config'), { recursive: true });
  for (const name of ['tables.txt', 'server-ca.pem'])
    writeFileSync(
      join(folder, 'volume/config', name),
      text(
        whole.cloud.atItsHeight.get(`buckets/my-project-bq-to-postgres/o/config/${name}`),
        'content',
      ),
    );
  const set = (at(container, 'env') as readonly Json[])
    .filter((each) => each['value'] !== undefined)
    .map((each) => `--env=${text(each, 'name')}=${text(each, 'value')}`);
  const given = Object.entries(environment).map(([name, value]) => `--env=${name}=${value}`);
  await google.sql(
    "INSERT INTO `my-project.warehouse.orders` VALUES (1002, TIMESTAMP '2026-01-03 00:00:00+00')",
  );
  const [, image = ''] = /^build .* -t (\S+)/m.exec(whole.log('docker')) ?? [];
  const name = buildah('from', image).trim();
  const volume = `--volume=${join(folder, 'volume')}:/mnt:ro`;
  const task = ['--env=CLOUD_RUN_TASK_INDEX=0', '--env=CLOUD_RUN_TASK_COUNT=1'];
  await commandBeside(
    ['buildah', 'run', volume, ...task, ...set, ...given, name, '--', entry ?? ''],
    storage,
  );
  expect(buildah('run', name, '--', '/usr/local/bin/bq_to_postgres', '--version')).toMatch(
    /^\S+ ?\d|\d+\.\d+/,
  );
  expect(await rows('SELECT count(*) FROM orders')).toBe('1003');
});
