import { expect, test } from 'bun:test';
import { insertRun, readRun, updateRun } from '../../src/state/ledger.ts';
import { migrateState } from '../../src/state/migrate.ts';
import { stateTables } from '../../src/state/state-tables.ts';
import { sharedPostgres } from '../server/shared.ts';

const RUN = {
  runId: 'r',
  tableName: 't',
  target: 'public.t',
  targetOid: undefined,
  source: 'p.d.t',
  host: 'h',
  pid: 1,
  location: 'EU',
  version: '1.0.0',
} as const;

test('an error that quotes what PostgreSQL cannot store is kept, with a mark in its place', async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  const tables = stateTables('public');
  const session = await database.sql.reserve();
  await migrateState(session, tables);
  await session.unsafe(insertRun(tables, RUN));
  const error = 'column `n`: "1\0" and "\uD800" are not INT64';
  await session.unsafe(updateRun(tables, 'r', { status: 'failed', error }));
  const [row] = await session`SELECT error FROM sync_runs`;
  expect(row?.['error']).toBe('column `n`: "1\uFFFD" and "\uFFFD" are not INT64');
  expect(await readRun(session, tables, 'r')).toMatchObject({ status: 'failed' });
  session.release();
});
