import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import postgres from 'postgres';
import { migrateState } from '../../src/state/migrate.ts';
import { stateTables } from '../../src/state/state-tables.ts';
import type { TestDatabase } from '../server/database.ts';
import { sharedPostgres } from '../server/shared.ts';
import { DEPLOYMENT } from './document.ts';

setDefaultTimeout(300_000);

/** A year of three hundred tables, as pruning would not leave it: a million runs, one in twenty with rows. */
const TABLES = 300;
const RUNS = 1_000_000;

let database: TestDatabase;
beforeAll(async () => {
  database = await (await sharedPostgres()).createDatabase();
  const session = postgres(database.uri, { max: 1, fetch_types: false, onnotice: () => undefined });
  await migrateState(session as unknown as postgres.ReservedSql, stateTables('public'));
  await session.end();
  const { sql } = database;
  await sql.unsafe(readFileSync(join(DEPLOYMENT, 'sync_status.sql'), 'utf8'));
  await sql.unsafe(`
    INSERT INTO sync_state SELECT 'table_' || i, now() AT TIME ZONE 'UTC' FROM generate_series(1, ${TABLES}) AS i;
    INSERT INTO sync_runs (run_id, table_name, target, source, mode, status, rows, bytes, host, pid, location,
                           cleaned, started_at, finished_at)
    SELECT i, 'table_' || 1 + i % ${TABLES}, 'public.table', 's',
           CASE WHEN i % 50000 < ${TABLES} THEN 'full' ELSE 'incremental' END,
           CASE WHEN i % 997 = 0 THEN 'failed' ELSE 'applied' END, CASE WHEN i % 20 = 0 THEN 100 ELSE 0 END,
           0, 'h', 1, 'EU', true, t, t + interval '3 s'
    FROM generate_series(1, ${RUNS}) AS i, LATERAL (SELECT now() - interval '30 s' * (${RUNS} - i) AS t)`);
  await sql.unsafe('VACUUM ANALYZE sync_runs');
});
afterAll(() => database.drop());

interface PlanNode {
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Relation Name'?: string;
  readonly Plans?: readonly PlanNode[];
}

/** Rows of the ledger that a query reads, those that it throws away too. */
async function rowsRead(query: string): Promise<number> {
  const [answer] = await database.sql.unsafe(`EXPLAIN (ANALYZE, FORMAT json) ${query}`);
  const plans = answer?.['QUERY PLAN'];
  const [{ Plan: top }] = typeof plans === 'string' ? JSON.parse(plans) : plans;
  const count = (node: PlanNode): number => {
    const below = (node.Plans ?? []).reduce((sum, each) => sum + count(each), 0);
    if (node['Relation Name'] !== 'sync_runs') return below;
    const each = node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0);
    return below + each * node['Actual Loops'];
  };
  return count(top);
}

test.each([
  ['how all tables stand', 'SELECT * FROM sync_status', 10 * TABLES],
  ['how one table stands', "SELECT * FROM sync_status WHERE table_name = 'table_7'", 2 * TABLES],
  [
    'what two weeks brought',
    "SELECT * FROM sync_daily WHERE day > now() - interval '14 days' ORDER BY day",
    ((14 * 86_400) / 30 / 20) * 1.2,
  ],
])('%s is read from few of a million runs', async (_, query, most) => {
  const rows = await rowsRead(query);
  console.log(`${query}: ${rows} rows of the ledger`);
  expect(rows).toBeLessThan(most);
});
