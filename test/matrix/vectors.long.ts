import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import fc from 'fast-check';
import { DATASET, type World } from '../scenarios/fixture.ts';
import { openVectorWorld } from '../scenarios/vector-world.ts';

setDefaultTimeout(120_000);

let world: World;
beforeAll(async () => {
  world = await openVectorWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

/** A column of the source, with texts of its elements, or its own, and how pgvector gets to the value. */
interface Source {
  readonly type: string;
  readonly repeated: boolean;
  readonly targets: readonly string[];
  readonly values: readonly (string | readonly string[])[];
}

const triples = (texts: readonly string[]) =>
  texts.map((text, i) => [text, texts[(i + 1) % texts.length] as string, '0']);

const SINGLES = [
  ...['0', '-0', '0.1', '-1.5', '1e-45', '-1e-40', '1e-60', '3.4028234e38', '16777217', '16777219'],
  ...fc.sample(fc.float({ noNaN: true, noDefaultInfinity: true }), 200).map(String),
  ...fc.sample(fc.integer(), 100).map((n) => String(n / 1000)),
];
const HALVES = [
  ...['0', '-0', '0.1', '65504', '-65519.99', '2049', '2051', '6e-8', '2.9802322e-8', '1e-9'],
  ...['1.00048828125', '1.00146484375', '1.000488281251', '5.9604645e-8', '0.33325195'],
  ...fc.sample(fc.float({ min: -65504, max: 65504, noNaN: true }), 200).map(String),
];
const LONGS = [
  ...['0', '9223372036854775807', '-9223372036854775808', '9007199254740993'],
  ...['16777217', '-16777219', '1152921573326323713', '-1152921573326323713'],
  ...fc.sample(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), 100).map(String),
];
const SHORTS = ['0', '1', '-2049', '2051', '65504', '-65519', '4097'];
const NUMERICS = ['0', '0.1', '-12345.678901234', '99999999999999999999999999999.999999999'];
const STRINGS = ['[1,2.5,-3]', ' [ 1e-3 , 0,0.1 ]\n', '[0,-0,3.4028234e38]', '[0x10,1E2,+5]'];
const SPARSE = ['{1:1.5,3:-2}/3', ' {2 : 1e-3} / 3', '{}/3', '{3:7,1:0.1}/3'];

const dense = ['vector', 'sparsevec'];
const SOURCES: readonly Source[] = [
  { type: 'FLOAT64', repeated: true, targets: dense, values: triples(SINGLES) },
  { type: 'FLOAT64', repeated: true, targets: ['halfvec'], values: triples(HALVES) },
  { type: 'INT64', repeated: true, targets: dense, values: triples(LONGS) },
  { type: 'INT64', repeated: true, targets: ['halfvec'], values: triples(SHORTS) },
  { type: 'NUMERIC', repeated: true, targets: dense, values: triples(NUMERICS) },
  { type: 'NUMERIC', repeated: true, targets: ['halfvec'], values: triples(['0.1', '-7.25']) },
];
const TEXT_SOURCES: readonly Source[] = [
  { type: 'STRING', repeated: false, targets: ['vector', 'sparsevec'], values: STRINGS },
  { type: 'STRING', repeated: false, targets: ['halfvec'], values: ['[1,2.5,-3]', '[6e-8,0,0.1]'] },
  { type: 'STRING', repeated: false, targets: ['sparsevec'], values: SPARSE },
];

/** pgvector's own way from a text: a dense one becomes sparse by its cast. */
function wantedSql(text: string, target: string): string {
  const literal = `'${text}'`;
  return target === 'sparsevec' && !text.includes('{')
    ? `${literal}::ext.vector::ext.sparsevec::text`
    : `${literal}::ext.${target}::text`;
}

const textOf = (value: Source['values'][number]) =>
  typeof value === 'string' ? value : `[${value.join(',')}]`;

function duckdbLiteral(value: Source['values'][number] | undefined, repeated: boolean): string {
  if (value === undefined) return repeated ? '[]::VARCHAR[]' : 'NULL';
  if (typeof value === 'string') return `'${value}'`;
  return `[${value.map((each) => `'${each}'`).join(', ')}]::VARCHAR[]`;
}

/** Loads the values of all sources at once, each column ending in NULLs, and compares every one. */
async function arrive(table: string, sources: readonly Source[], declared: string, beside: string) {
  const { google, database } = world;
  const columns = sources.flatMap((source, i) =>
    source.targets.map((target) => ({ ...source, target, name: `c${i}_${target}` })),
  );
  await google.createTable(DATASET, table, [
    ...columns.map(({ name, type, repeated }) => ({
      ...{ name, type, mode: repeated ? ('REPEATED' as const) : ('NULLABLE' as const) },
    })),
    { name: 'n', type: 'INT64' },
    { name: 'beside', type: 'STRING' },
    { name: 'max_ingested_at', type: 'TIMESTAMP' },
  ]);
  const length = 1 + Math.max(...sources.map(({ values }) => values.length));
  const rows = Array.from({ length }, (_, n) => {
    const cells = columns.map(({ values, repeated }) => duckdbLiteral(values[n], repeated));
    return `(${[...cells, n, "'10.0.0.1'", 'NULL'].join(', ')})`;
  });
  await google.duckdb(
    `INSERT INTO ${google.tableName(DATASET, table)} SELECT * FROM (VALUES ${rows.join(', ')})`,
  );
  const places = columns.map(({ name, target }) => `${name} ext.${target}${declared}`);
  await database.sql.unsafe(`CREATE TABLE ${table} (${places.join(', ')}, n bigint,
    beside ${beside}, max_ingested_at timestamptz)`);
  const { exitCode, text } = await world.run({ 'bq-table': table, 'pg-table': table });
  expect([exitCode, exitCode === 0 ? '' : text]).toEqual([0, '']);
  for (const { name, target, values } of columns) {
    const wanted = values.map((value) => wantedSql(textOf(value), target)).join(', ');
    const [row] = await database.sql.unsafe(`SELECT array_agg(${name}::text ORDER BY n) AS found,
      ARRAY[${wanted}] AS wanted FROM ${table} WHERE n < ${values.length}`);
    expect({ name, values: row?.['found'] }).toEqual({ name, values: row?.['wanted'] });
    const [rest] = await database.sql.unsafe(
      `SELECT count(${name})::int AS count FROM ${table} WHERE n >= ${values.length}`,
    );
    expect([name, rest?.['count']]).toEqual([name, 0]);
  }
}

describe('an array or a string becomes what pgvector reads of its text', () => {
  test.each([
    ['binary, with its dimensions declared', 'declared', SOURCES, '(3)', 'text'],
    ['binary, without', 'free', SOURCES, '', 'text'],
    ['text, beside a column of inet', 'beside', [...SOURCES, ...TEXT_SOURCES], '(3)', 'inet'],
    ['text, for strings', 'strings', TEXT_SOURCES, '(3)', 'text'],
  ] as const)('in COPY %s', async (_, table, sources, declared, beside) => {
    await arrive(table, sources, declared, beside);
  });
});

/** The source, an array or text that its column does not take, what is told of it and why. */
const REFUSED = [
  ['FLOAT64', 'vector', '[1.0, 2.0]', 'an array of 2 elements', 'expected 3 dimensions, not 2'],
  ['FLOAT64', 'halfvec', '[1.0]', 'an array of 1 element of', 'expected 3 dimensions, not 1'],
  ['INT64', 'sparsevec', '[1, 2, 3, 4]', 'an array of 4', 'expected 3 dimensions, not 4'],
  ['FLOAT64', 'vector', "[1.0, CAST('NaN' AS FLOAT64), 2.0]", '["NaN"]', 'NaN not allowed'],
  ['FLOAT64', 'sparsevec', "[0.0, CAST('inf' AS FLOAT64), 2.0]", '["Infinity"]', 'infinite value'],
  ['FLOAT64', 'halfvec', "[CAST('-inf' AS FLOAT64), 1.0, 2.0]", '["-Infinity"]', 'infinite value'],
  ['FLOAT64', 'vector', '[1.0, 1e39, 2.0]', '["1e+39"]', 'out of range for type vector'],
  ['FLOAT64', 'halfvec', '[1.0, 65520.0, 2.0]', '["65520"]', 'out of range for type halfvec'],
  ['INT64', 'halfvec', '[1, -70000, 2]', '["-70000"]', 'out of range for type halfvec'],
  ['STRING', 'vector', "'[1,2]'", '"[1,2]"', 'expected 3 dimensions, not 2'],
  ['STRING', 'vector', "'[1,2,NaN]'", '"[1,2,NaN]"', 'NaN not allowed in vector'],
  ['STRING', 'halfvec', "'[1,2,65520]'", '"[1,2,65520]"', 'out of range for type halfvec'],
  ['STRING', 'vector', "'none'", '"none"', 'invalid input syntax for type'],
  ['STRING', 'sparsevec', "'[1,2]'", '"{1:1,2:2}/2"', 'expected 3 dimensions, not 2'],
  ['STRING', 'sparsevec', "'[1,2'", '"[1,2"', 'invalid input syntax for type'],
] as const;

describe('what pgvector refuses is refused before anything is visible, with a query that finds it:', () => {
  test.each(REFUSED.map((one, i) => [...one, i] as const))(
    '%s in %s: %s',
    async (type, target, bad, shown, told, i) => {
      const { google, database } = world;
      const isText = type === 'STRING';
      const good = isText ? (target === 'sparsevec' ? "'{1:1}/3'" : "'[1,2,3]'") : '[1, 2, 3]';
      for (const beside of isText ? ['inet'] : ['text', 'inet']) {
        const table = `refused_${i}_${beside}`;
        await google.createTable(DATASET, table, [
          { name: 'the vector', type, mode: isText ? 'NULLABLE' : 'REPEATED' },
          { name: 'beside', type: 'STRING' },
          { name: 'max_ingested_at', type: 'TIMESTAMP' },
        ]);
        for (const value of [good, bad, good])
          await google.sql(`INSERT INTO ${DATASET}.${table} SELECT ${value}, '10.0.0.1', NULL`);
        await database.sql.unsafe(`
          CREATE TABLE ${table} ("the vector" ext.${target}(3), beside ${beside}, max_ingested_at timestamptz);
          INSERT INTO ${table} (beside) VALUES ('10.0.0.2')`);
        const { exitCode, lines, text } = await world.run({ 'bq-table': table, 'pg-table': table });
        const error = lines.find(({ severity }) => severity === 'ERROR');
        expect([exitCode, error?.['code'] ?? text]).toEqual([1, 'VALUE_DOES_NOT_FIT']);
        for (const part of [shown, told, 'of the vector (', `ext.${target}(3)`, `"${table}"`])
          expect(error?.message).toContain(part);
        const [, query = ''] =
          /^Find the rows in BigQuery: (.*?);/s.exec(String(error?.['hint'])) ?? [];
        expect(await google.sql(query)).toHaveLength(1);
        const kept = await database.sql.unsafe(`SELECT host(beside::inet) AS kept FROM ${table}`);
        expect(kept.map((row) => row['kept'])).toEqual(['10.0.0.2']);
      }
    },
  );

  test('an array without elements, where the column takes no NULL', async () => {
    const { google, database } = world;
    await google.createTable(DATASET, 'empty', [
      { name: 'v', type: 'FLOAT64', mode: 'REPEATED' },
      { name: 'max_ingested_at', type: 'TIMESTAMP' },
    ]);
    await google.sql(`INSERT INTO ${DATASET}.empty VALUES ([1.0, 2.0, 3.0], NULL), ([], NULL)`);
    await database.sql`CREATE TABLE empty (v ext.vector(3) NOT NULL, max_ingested_at timestamptz)`;
    const { text, lines } = await world.run({ 'bq-table': 'empty', 'pg-table': 'empty' });
    expect(text).toContain('NULL of v (ARRAY<FLOAT64>) does not fit into column');
    const hint = lines.find(({ severity }) => severity === 'ERROR')?.['hint'];
    expect(hint).toContain('Or allow it: ALTER TABLE');
    const [, query = ''] = /^Find the rows in BigQuery: (.*?);/s.exec(String(hint)) ?? [];
    expect(await google.sql(query)).toHaveLength(1);
  });
});
