import { afterAll, beforeAll, beforeEach, expect, setDefaultTimeout, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import postgres from 'postgres';
import { migrateState } from '../../src/state/migrate.ts';
import { stateTables } from '../../src/state/state-tables.ts';
import type { TestDatabase } from '../server/database.ts';
import { sharedPostgres } from '../server/shared.ts';
import { DEPLOYMENT, instructions } from './document.ts';

setDefaultTimeout(60_000);

const VIEWS = readFileSync(join(DEPLOYMENT, 'sync_status.sql'), 'utf8');

let database: TestDatabase;
const query = async (text: string) => [...(await database.sql.unsafe(text))];

beforeAll(async () => {
  database = await (await sharedPostgres()).createDatabase();
  const session = postgres(database.uri, { max: 1, fetch_types: false, onnotice: () => undefined });
  await migrateState(session as unknown as postgres.ReservedSql, stateTables('public'));
  await session.end();
  await database.sql.unsafe(VIEWS);
});
beforeEach(async () => {
  await query('TRUNCATE sync_state, sync_runs');
});
afterAll(() => database.drop());

interface Run {
  readonly mode?: string;
  readonly status?: string;
  readonly rows?: number;
  /** How long ago it began, and how long it took; without an end it is still under way. */
  readonly began: string;
  readonly took?: string;
  readonly error?: string;
}

let runs = 0;

/** A table with its watermark's age and its runs; `never`: a first load has not yet succeeded. */
async function table(name: string, watermark: string | 'never' | null, ...ledger: readonly Run[]) {
  if (watermark !== 'never')
    await database.sql`INSERT INTO sync_state VALUES (
      ${name}, (now() AT TIME ZONE 'UTC') - ${watermark}::text::interval)`;
  for (const run of ledger) {
    const { mode = 'incremental', status = 'applied', rows = 0, began, took, error } = run;
    runs += 1;
    await database.sql`INSERT INTO sync_runs (run_id, table_name, target, source, mode, status, rows,
        bytes, host, pid, location, cleaned, started_at, finished_at, error)
      VALUES (${String(runs)}, ${name}, ${name}, 's', ${mode}, ${status}, ${rows}, ${rows * 10}, 'h', 1,
        'EU', ${took !== undefined}, now() - ${began}::text::interval,
        now() - ${began}::text::interval + ${took ?? null}::text::interval, ${error ?? null})`;
  }
}

async function problems(): Promise<Readonly<Record<string, readonly string[]>>> {
  const rows = await query('SELECT table_name, to_json(problems) AS problems FROM sync_status');
  return Object.fromEntries(rows.map((row) => [row['table_name'], row['problems']]));
}

const recent: Run = { began: '10 minutes', took: '3 seconds' };
const dayOld: Run = { began: '26 hours', took: '3 seconds' };

test('sync_status says how far behind every table is, and how its last run ended', async () => {
  const error = 'no such bucket';
  await table('fresh', '5 minutes', { ...dayOld, mode: 'full' }, { ...recent, rows: 5 });
  await table('late', '3 days', { ...dayOld }, { ...recent, status: 'failed', error });
  await table('never', 'never', { ...recent, mode: 'full', status: 'died' });
  await table('set_back', null);
  const rows = await query(`
    SELECT table_name, behind > interval '2 hours' AS late, last_status, last_mode, last_rows::int,
      last_error, last_success_at < now() - interval '2 hours' AS long_ago
    FROM sync_status ORDER BY table_name`);
  expect<unknown>(rows.map((row) => Object.values(row))).toEqual([
    ['fresh', false, 'applied', 'incremental', 5, null, false],
    ['late', true, 'failed', 'incremental', 0, error, true],
    ['never', null, 'died', 'full', 0, null, null],
    ['set_back', null, null, null, null, null, null],
  ]);
});

test('runs that do not succeed are told from tables that get no new rows', async () => {
  await table('well', '10 minutes', recent);
  await table('failing', '2 days', dayOld, { ...recent, status: 'failed' });
  await table('forgotten', '2 days', dayOld);
  await table('quiet', '2 days', recent);
  await table('never', 'never', { ...dayOld, mode: 'full', status: 'failed' });
  expect(await problems()).toEqual({
    well: [],
    failing: ['no_success'],
    forgotten: ['no_success'],
    quiet: ['no_new_rows'],
    never: ['no_success'],
  });
});

test('a full load that somebody asked for is no problem, unless it never ends', async () => {
  const full = { mode: 'full', status: 'loading' };
  await table('asked_for', null, recent);
  await table('loading', null, { ...dayOld, began: '5 hours' }, { ...full, began: '4 hours' });
  await table('for_ever', null, { ...dayOld, began: '40 hours' }, { ...full, began: '39 hours' });
  const { asked_for: askedFor, loading, for_ever: forEver } = await problems();
  expect({ askedFor, loading, forEver }).toEqual({
    askedFor: [],
    loading: [],
    forEver: ['no_success', 'slow', 'leftovers'],
  });
});

test('an increment that takes too long is slow, and what was not removed is a leftover', async () => {
  await table('slow', '2 hours', { ...recent, status: 'loading', began: '2 hours' });
  await table('untidy', '10 minutes', { status: 'failed', began: '2 days' }, recent);
  const { slow, untidy } = await problems();
  expect({ slow, untidy }).toEqual({ slow: ['no_success', 'slow'], untidy: ['leftovers'] });
});

test('a table has the limits of the longest pattern that it matches', async () => {
  await database.sql.unsafe(`INSERT INTO sync_limits VALUES
    ('slow%', '1 hour', '1 month', '1 hour', '1 day'), ('slow_but_wanted', '1 hour', '1 day', '1 hour', '1 day'),
    ('retired', NULL, NULL, NULL, NULL)`);
  await table('slow_one', '2 days', recent);
  await table('slow_but_wanted', '2 days', recent);
  await table('retired', '2 years', { ...dayOld, began: '2 years' });
  expect(await problems()).toEqual({
    slow_one: [],
    slow_but_wanted: ['no_new_rows'],
    retired: [],
  });
});

test('sync_daily counts the rows of the runs that were applied, and the runs that failed', async () => {
  await table('fresh', '5 minutes', { ...recent, rows: 10 }, { ...recent, rows: 5 }, recent);
  await table('late', '1 day', { ...recent, rows: 7, status: 'failed' });
  await table('stopped', '1 day', { ...recent, status: 'interrupted' });
  const rows = await query(
    `SELECT table_name, sum(runs)::int AS runs, sum(failed)::int AS failed, sum(rows)::int AS rows,
            sum(bytes)::int AS bytes
     FROM sync_daily GROUP BY 1 ORDER BY 1`,
  );
  expect<unknown>(rows.map((row) => ({ ...row }))).toEqual([
    { table_name: 'fresh', runs: 2, failed: 0, rows: 15, bytes: 150 },
    { table_name: 'late', runs: 1, failed: 1, rows: 0, bytes: 0 },
    { table_name: 'stopped', runs: 1, failed: 0, rows: 0, bytes: 0 },
  ]);
});

test('each problem and each age is in the log of the server, also by a role without rights to the tables', async () => {
  await table('well', '10 minutes', recent);
  await table('dull', '2 days', recent);
  await table('broken', '2 days', dayOld, { ...recent, status: 'failed' });
  await database.sql.unsafe(`CREATE ROLE watcher_${process.pid}`);
  const session = await database.sql.reserve();
  await session.unsafe(`SET ROLE watcher_${process.pid}`);
  const [found] = await session.unsafe(
    "SELECT check_tables()::int AS n, check_tables('du%')::int AS dull",
  );
  const refreshed = await session
    .unsafe("SELECT refresh_tables('%', '0', 9)")
    .catch((error) => error);
  await session.unsafe('RESET ROLE');
  session.release();
  await database.sql.unsafe(`DROP ROLE watcher_${process.pid}`);
  expect<unknown>({ ...found }).toEqual({ n: 2, dull: 1 });
  expect(refreshed.code).toBe('42501');
  const log = await (await sharedPostgres()).log();
  expect(log).toContain('WARNING:  bq_to_postgres no_new_rows: dull\n');
  expect(log).toContain('WARNING:  bq_to_postgres no_success: broken\n');
  expect(log).toMatch(/DETAIL: {2}last success .*, newest row 2 days .* last run failed since/);
  expect(log).toMatch(/LOG: {2}bq_to_postgres behind (599|60\d) s: well\n/);
  expect(log).not.toMatch(/WARNING: .*: well/);
});

test('a refresh takes away the watermarks of the tables that were fully loaded longest ago', async () => {
  const full = (began: string): Run => ({ mode: 'full', began, took: '1 minute' });
  await table('old', '1 minute', full('20 days'), recent);
  await table('older', '1 minute', full('30 days'), full('29 days'), recent);
  await table('new', '1 minute', full('30 days'), full('1 day'), recent);
  await table('failed', '1 minute', full('9 days'), { ...full('1 hour'), status: 'failed' });
  await table('pruned', '1 minute', recent);
  await table('other.table', '1 minute', full('99 days'));
  const refresh = async (atMost: number) => {
    const rows = await query(`SELECT refresh_tables('%e%', '7 days', ${atMost}) AS name`);
    return rows.map((row) => row['name'] as string).toSorted();
  };
  expect(await refresh(2)).toEqual(['other.table', 'pruned']);
  expect(await refresh(99)).toEqual(['failed', 'older']);
  expect(await refresh(99)).toEqual([]);
  const left = await query(
    'SELECT table_name FROM sync_state WHERE last_synced_at IS NOT NULL ORDER BY 1',
  );
  expect<unknown>(left.map((row) => row['table_name'])).toEqual(['new', 'old']);
});

test('the views may be made again', async () => {
  await database.sql.unsafe(VIEWS);
});

test('every statement that the instructions give for everyday work runs', async () => {
  const statements = [...instructions().matchAll(/^as_sync -c "(.+)"/gm)].map(
    ([, sql]) => sql ?? '',
  );
  expect(statements.length).toBeGreaterThanOrEqual(6);
  for (const statement of statements)
    await database.sql.unsafe(statement.replaceAll('$PG_TABLE', 'set_back').replaceAll('\\"', '"'));
});
