import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { migrateState } from '../../src/state/migrate.ts';
import { stateTables } from '../../src/state/state-tables.ts';
import { DEPLOYMENT, instructions } from './document.ts';
import { command } from './machine.ts';

setDefaultTimeout(180_000);

/** Debian's PostgreSQL with pg_cron, as the user that its package makes. Needs root. */
const BINARIES = '/usr/lib/postgresql/15/bin';
const PORT = '54329';
const folder = mkdtempSync(join(tmpdir(), 'pg-cron-'));
const asPostgres = (...words: readonly string[]) =>
  command(['runuser', '-u', 'postgres', '--', ...words]);
const psql = (database: string, ...words: readonly string[]) =>
  command([
    'psql',
    '-AtqX',
    '-v',
    'ON_ERROR_STOP=1',
    '-h',
    '127.0.0.1',
    '-p',
    PORT,
    '-U',
    'postgres',
    '-d',
    database,
    ...words,
  ]).trim();
const log = () => readFileSync(join(folder, 'log'), 'utf8');

beforeAll(async () => {
  chmodSync(folder, 0o777);
  const data = join(folder, 'data');
  asPostgres(join(BINARIES, 'initdb'), '-D', data, '-A', 'trust', '--no-sync');
  const options = `-c port=${PORT} -c listen_addresses=127.0.0.1 -c unix_socket_directories=${folder} -c shared_preload_libraries=pg_cron -c fsync=off`;
  asPostgres(
    join(BINARIES, 'pg_ctl'),
    '-D',
    data,
    '-l',
    join(folder, 'log'),
    '-w',
    '-o',
    options,
    'start',
  );
  psql('postgres', '-c', 'CREATE DATABASE warehouse');
  const sql = postgres(`postgres://postgres@127.0.0.1:${PORT}/warehouse`, {
    max: 1,
    onnotice: () => undefined,
  });
  const session = await sql.reserve();
  await migrateState(session as unknown as postgres.ReservedSql, stateTables('public'));
  session.release();
  await sql.end();
  psql('warehouse', '-c', "INSERT INTO sync_state VALUES ('orders', now() - interval '1 day')");
  psql('warehouse', '-f', join(DEPLOYMENT, 'sync_status.sql'));
});
afterAll(() => {
  asPostgres(join(BINARIES, 'pg_ctl'), '-D', join(folder, 'data'), '-m', 'immediate', 'stop');
  rmSync(folder, { recursive: true });
});

test('the server itself looks at all tables, and writes what it finds into its log', async () => {
  expect(instructions()).toContain('as_admin postgres -v database="$DB" -f postgres/watch.sql');
  const watch = ['-v', 'database=warehouse', '-f', join(DEPLOYMENT, 'watch.sql')];
  psql('postgres', ...watch);
  psql('postgres', ...watch);
  expect(
    psql('postgres', '-c', 'SELECT schedule, command, database FROM cron.job ORDER BY jobid').split(
      '\n',
    ),
  ).toEqual([
    '*/5 * * * *|SELECT check_tables()|warehouse',
    "17 3 * * *|DELETE FROM cron.job_run_details WHERE end_time < now() - interval '7 days'|postgres",
  ]);
  psql(
    'postgres',
    '-c',
    "SELECT cron.alter_job(jobid, '* * * * *') FROM cron.job WHERE database = 'warehouse'",
  );
  while (!log().includes('bq_to_postgres behind')) await Bun.sleep(500);
  expect(log()).toMatch(/LOG: {2}bq_to_postgres behind 86\d\d\d s: orders/);
});

test('the flags of the instructions are flags of a server, within its limits', () => {
  const [, flags = ''] = /--database-flags=(\S+)/.exec(instructions()) ?? [];
  const own = flags.split(',').filter((flag) => !flag.startsWith('cloudsql.'));
  expect(own.length).toBeGreaterThan(3);
  for (const flag of own) {
    const [name = '', value = ''] = flag.split('=');
    psql('postgres', '-c', `ALTER SYSTEM SET ${name} = '${value}'`);
  }
});

test('full loads are asked for by night, and again only after the period that was given', () => {
  const settings = ['database=warehouse', 'tables=ord%', 'every=7 days', 'at_most=50'];
  const refresh = [
    ...settings.flatMap((each) => ['-v', each]),
    '-f',
    join(DEPLOYMENT, 'refresh.sql'),
  ];
  psql('postgres', ...refresh);
  psql('postgres', ...refresh);
  const job =
    "SELECT schedule, command, database FROM cron.job WHERE jobname LIKE '%full loads of ord%'";
  const [schedule, command = '', database = ''] = psql('postgres', '-c', job).split('|');
  expect([schedule, database]).toEqual(['17 1 * * *', 'warehouse']);
  expect(psql(database, '-c', command)).toBe('orders');
  expect(
    psql(
      database,
      '-c',
      "SELECT last_synced_at IS NULL FROM sync_state WHERE table_name = 'orders'",
    ),
  ).toBe('t');
  expect(psql(database, '-c', command)).toBe('');
});
