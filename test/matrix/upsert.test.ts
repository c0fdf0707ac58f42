import { expect, test } from 'bun:test';
import type { SourceColumn } from '../../src/google/source-columns.ts';
import { planColumns } from '../../src/plan/plan-columns.ts';
import { readTargetTable } from '../../src/postgres/target-table.ts';
import { sharedPostgres } from '../server/shared.ts';

const column = (name: string, type: SourceColumn['type']): SourceColumn => ({
  ...{ name, type, repeated: false, required: false, description: undefined },
  ...{ maxLength: undefined, precision: undefined, scale: undefined, picoseconds: false },
});
const COLUMNS = [
  column('id', 'INT64'),
  column('n', 'INT64'),
  column('max_ingested_at', 'TIMESTAMP'),
];

const SOURCE = { columns: COLUMNS, primaryKey: [] };

const REFUSED = [
  ['id bigint PRIMARY KEY DEFERRABLE, n bigint', 'is DEFERRABLE'],
  ['id bigint, k serial PRIMARY KEY, n bigint', 'BigQuery has no column for "k"'],
  ['id bigint PRIMARY KEY, n bigint GENERATED ALWAYS AS IDENTITY', 'is GENERATED ALWAYS'],
] as const;

test.each(REFUSED)('a target of %s takes a full load, and no increment', async (columns, told) => {
  await using database = await (await sharedPostgres()).createDatabase();
  await database.sql.unsafe(`CREATE TABLE t (${columns}, max_ingested_at timestamptz)`);
  const target = await readTargetTable(database.sql, { schema: 'public', name: 't' });
  const { columns: planned } = planColumns(SOURCE, target, 'full');
  expect(planned.filter(({ emit }) => emit)).toHaveLength(3);
  expect(() => planColumns(SOURCE, target, 'incremental')).toThrow(told);
});

test('picoseconds are told where they are cut, and text keeps them', async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  await database.sql.unsafe(
    'CREATE TABLE t (id bigint, a timestamptz, b text, max_ingested_at timestamptz)',
  );
  const target = await readTargetTable(database.sql, { schema: 'public', name: 't' });
  const fine = (name: string) => ({ ...column(name, 'TIMESTAMP'), picoseconds: true });
  const { warnings } = planColumns(
    { ...SOURCE, columns: [...COLUMNS.slice(2), fine('a'), fine('b')] },
    target,
  );
  expect(warnings.filter((text) => text.includes('microseconds'))).toEqual([
    'values of a are cut to microseconds, which is what PostgreSQL holds',
  ]);
});
