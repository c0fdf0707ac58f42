import { expect, test } from 'bun:test';
import { insertRun, readRun, updateRun } from '../../src/state/ledger.ts';
import { createStateTables, stateTables } from '../../src/state/state-tables.ts';
import { sharedPostgres } from '../server/shared.ts';

const RUN = {
  runId: 'r',
  tableName: 't',
  target: 'public.t',
  source: 'd.t',
  mode: 'full',
  low: undefined,
  high: undefined,
  status: 'exporting',
  host: 'h',
  pid: 1,
  location: 'EU',
  objectPrefix: 'gs://b/bq_to_postgres/r/',
  jobId: 'j',
  staging: undefined,
  plan: undefined,
} as const;

test('an error that quotes a value with a NUL is kept, with a mark in its place', async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  const tables = stateTables('public');
  const session = await database.sql.reserve();
  await createStateTables(session, tables);
  await session.unsafe(insertRun(tables, RUN));
  const error = 'column `n`: "1\0" is not INT64';
  await session.unsafe(updateRun(tables, 'r', { status: 'failed', error }));
  const [row] = await session`SELECT error FROM sync_runs`;
  expect(row?.['error']).toBe('column `n`: "1\uFFFD" is not INT64');
  expect(await readRun(session, tables, 'r')).toMatchObject({ status: 'failed' });
  session.release();
});
