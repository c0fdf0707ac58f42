import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import postgres from 'postgres';
import { migrateState } from '../../src/state/migrate.ts';
import { stateTables } from '../../src/state/state-tables.ts';
import type { TestDatabase } from '../server/database.ts';
import { sharedPostgres } from '../server/shared.ts';
import { DEPLOYMENT, instructions } from './document.ts';

setDefaultTimeout(60_000);

let database: TestDatabase;
beforeAll(async () => {
  database = await (await sharedPostgres()).createDatabase();
  const session = postgres(database.uri, { max: 1, fetch_types: false, onnotice: () => undefined });
  await migrateState(session as unknown as postgres.ReservedSql, stateTables('public'));
  await session.end();
  await database.sql.unsafe(readFileSync(join(DEPLOYMENT, 'sync_status.sql'), 'utf8'));
  await database.sql.unsafe(`
    INSERT INTO sync_state VALUES
      ('fresh', (now() AT TIME ZONE 'UTC') - interval '5 minutes'),
      ('late', (now() AT TIME ZONE 'UTC') - interval '3 days'),
      ('set_back', NULL);
    INSERT INTO sync_runs (run_id, table_name, target, source, mode, status, rows, bytes, host, pid,
                           location, started_at, finished_at, error) VALUES
      ('1', 'fresh', 'fresh', 's', 'full', 'applied', 10, 100, 'h', 1, 'EU', now() - interval '1 hour', now() - interval '59 minutes', NULL),
      ('2', 'fresh', 'fresh', 's', 'incremental', 'applied', 5, 50, 'h', 1, 'EU', now() - interval '5 minutes', now() - interval '4 minutes', NULL),
      ('3', 'late', 'late', 's', 'incremental', 'failed', 7, 70, 'h', 1, 'EU', now() - interval '1 minute', now(), 'no such bucket'),
      ('4', 'never', 'never', 's', 'full', 'died', NULL, NULL, 'h', 1, 'EU', now() - interval '4 hours', now(), NULL)`);
});
afterAll(() => database.drop());

test('sync_status says how far behind every table is, and how its last run ended', async () => {
  const rows = await database.sql.unsafe(
    `SELECT table_name, behind > interval '2 hours' AS stale, last_status, last_error
     FROM sync_status ORDER BY table_name`,
  );
  expect<unknown>(rows.map((row) => ({ ...row }))).toEqual([
    { table_name: 'fresh', stale: false, last_status: 'applied', last_error: null },
    { table_name: 'late', stale: true, last_status: 'failed', last_error: 'no such bucket' },
    { table_name: 'never', stale: true, last_status: 'died', last_error: null },
    { table_name: 'set_back', stale: null, last_status: null, last_error: null },
  ]);
});

test('sync_daily counts the rows of the runs that were applied, and the runs that failed', async () => {
  const rows = await database.sql.unsafe(
    `SELECT table_name, sum(runs)::int AS runs, sum(failed)::int AS failed, sum(rows)::int AS rows,
            sum(bytes)::int AS bytes
     FROM sync_daily GROUP BY 1 ORDER BY 1`,
  );
  expect<unknown>(rows.map((row) => ({ ...row }))).toEqual([
    { table_name: 'fresh', runs: 2, failed: 0, rows: 15, bytes: 150 },
    { table_name: 'late', runs: 1, failed: 1, rows: 0, bytes: 0 },
    { table_name: 'never', runs: 1, failed: 1, rows: 0, bytes: 0 },
  ]);
});

test('stale tables are warned of in the log of the server, also by a role without rights to them', async () => {
  await database.sql.unsafe(`CREATE ROLE watcher_${process.pid}`);
  const session = await database.sql.reserve();
  await session.unsafe(`SET ROLE watcher_${process.pid}`);
  const [stale] = await session.unsafe(
    "SELECT warn_if_stale('2 hours')::int AS n, warn_if_stale('2 hours', 'la%')::int AS late",
  );
  await session.unsafe('RESET ROLE');
  session.release();
  await database.sql.unsafe(`DROP ROLE watcher_${process.pid}`);
  expect<unknown>({ ...stale }).toEqual({ n: 2, late: 1 });
  const log = (await sharedPostgres()).log();
  expect(log).toContain('WARNING:  bq_to_postgres stale: late is 3 days');
  expect(log).toContain('its last run is failed');
  expect(log).not.toContain('stale: fresh');
});

test('the views may be made again', async () => {
  await database.sql.unsafe(readFileSync(join(DEPLOYMENT, 'sync_status.sql'), 'utf8'));
});

test('every statement that the instructions give for everyday work runs', async () => {
  const statements = [...instructions().matchAll(/^as_sync -c "(.+)"/gm)].map(
    ([, sql]) => sql ?? '',
  );
  expect(statements.length).toBeGreaterThanOrEqual(6);
  for (const statement of statements)
    await database.sql.unsafe(statement.replaceAll('$PG_TABLE', 'set_back').replaceAll('\\"', '"'));
});
