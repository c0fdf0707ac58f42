import { expect, test } from 'bun:test';
import type { SourceColumn, SourceType } from '../../src/google/source-columns.ts';
import { defaultType } from '../../src/plan/default-type.ts';
import { planColumns } from '../../src/plan/plan-columns.ts';
import { readTargetTable, type TargetTable } from '../../src/postgres/target-table.ts';
import { sharedPostgres } from '../server/shared.ts';

const arrayOf = (type: SourceType, repeated = true): SourceColumn => ({
  ...{ name: 'v', type, repeated, required: false, description: undefined },
  ...{ maxLength: undefined, precision: undefined, scale: undefined, picoseconds: false },
});

/** A target with one column, as the catalog tells of pgvector's types. */
function targetOf(name: string, length?: number): TargetTable {
  const text = length === undefined ? name : `${name}(${length})`;
  const type = { name, oid: 70_001, array: false, kind: 'b', length, text };
  const flags = { notNull: false, hasDefault: false, identityAlways: false, generated: false };
  return {
    ...{ oid: 1, name: { schema: 'public', name: 't' }, slots: 1, primaryKey: [] },
    ...{ deferrableKey: false, rowSecurity: false, persistence: 'p', partitioning: undefined },
    columns: [{ name: 'v', type, ...flags }],
  };
}

const plan = (source: SourceColumn, target: TargetTable) =>
  planColumns({ columns: [source], primaryKey: [] }, target);

test.each([
  ['FLOAT64', '`v`', 'float8'],
  ['INT64', '`v`', 'int8'],
  [
    'NUMERIC',
    'ARRAY(SELECT CAST(element AS FLOAT64) FROM UNNEST(`v`) AS element WITH OFFSET AS position ORDER BY position)',
    'float8',
  ],
] as const)(
  'an ARRAY<%s> goes into vector(3) as it is, in binary',
  (type, expression, encoding) => {
    const { columns, format, warnings } = plan(arrayOf(type), targetOf('vector', 3));
    expect(format).toBe('binary');
    const vector = { type: 'vector', dimensions: 3 };
    expect(columns[0]).toMatchObject({ expression, encoding, array: true, vector });
    expect(warnings).toEqual(['values of v are rounded to single precision, as vector(3) does']);
  },
);

test('the precision of a halfvec is told, and a type without n takes any number of elements', () => {
  const { columns, warnings } = plan(arrayOf('FLOAT64'), targetOf('halfvec'));
  expect(columns[0]?.vector).toEqual({ type: 'halfvec', dimensions: undefined });
  expect(warnings).toEqual(['values of v are rounded to half precision, as halfvec does']);
});

test.each(['BOOL', 'STRING', 'DATE', 'STRUCT'] as const)(
  'an ARRAY<%s> is refused, with the way out',
  (type) => {
    expect(() => plan(arrayOf(type), targetOf('vector', 3))).toThrow(
      `column v is ARRAY<${type}> in BigQuery, which does not go into "v" of type vector(3)`,
    );
  },
);

test('a type that is called vector and is not that of the extension is refused as such', async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  const { sql } = database;
  await sql.unsafe(`CREATE SCHEMA own; CREATE TYPE own.vector;
    CREATE FUNCTION own.read(cstring) RETURNS own.vector LANGUAGE internal IMMUTABLE STRICT AS 'textin';
    CREATE FUNCTION own.write(own.vector) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
    CREATE TYPE own.vector (INPUT = own.read, OUTPUT = own.write, LIKE = text);
    CREATE TABLE t (v own.vector)`);
  const target = await readTargetTable(sql, { schema: 'public', name: 't' });
  if (target === undefined) throw new Error('no table');
  for (const source of [arrayOf('FLOAT64'), arrayOf('STRING', false)])
    expect(() => plan(source, target)).toThrow(
      'does not go into "v" of type own.vector, which is not the one of the extension vector',
    );
});

test('without a target, whatever extensions there are, an ARRAY<FLOAT64> becomes an array', () => {
  expect(defaultType(arrayOf('FLOAT64'))).toBe('double precision[]');
});
