import { expect, test } from 'bun:test';
import postgres from 'postgres';
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

test('an error is kept in a database whose encoding lacks its characters', async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  const latin = `${database.name}_latin`;
  await database.sql.unsafe(
    `CREATE DATABASE ${latin} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`,
  );
  const sql = postgres(database.uri.replace(database.name, latin), { max: 1 });
  const session = await sql.reserve();
  const tables = stateTables('public');
  await migrateState(session, tables);
  await session.unsafe(insertRun(tables, RUN));
  const error = 'the value "ř → 😀" of \'n\'';
  await session.unsafe(updateRun(tables, 'r', { status: 'failed', error }));
  const [row] = await session`SELECT status, error FROM sync_runs`;
  session.release();
  await sql.end();
  await database.sql.unsafe(`DROP DATABASE ${latin}`);
  expect({ ...row }).toEqual({
    status: 'failed',
    error: 'the value "\\u{159} \\u{2192} \\u{1f600}" of \'n\'',
  });
});
