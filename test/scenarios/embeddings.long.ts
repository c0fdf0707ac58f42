import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { REFERENCE } from '../tools/reference.ts';
import { DATASET, type World } from './fixture.ts';
import { openVectorWorld } from './vector-world.ts';

setDefaultTimeout(120_000);

let world: World;
beforeAll(async () => {
  world = await openVectorWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

test('a new target gets an array, and vectors once its column is made one as the reference says', async () => {
  const { google, database } = world;
  await google.createTable(DATASET, 'later', [
    { name: 'embedding', type: 'FLOAT64', mode: 'REPEATED' },
    { name: 'max_ingested_at', type: 'TIMESTAMP' },
  ]);
  const add = (value: string, second: number) =>
    google.sql(
      `INSERT INTO ${DATASET}.later VALUES (${value}, TIMESTAMP '2024-01-01 00:00:0${second}+00')`,
    );
  await add('[0.1, 2.0, 3.0]', 1);
  await add('[]', 2);
  const flags = { 'bq-table': 'later', 'pg-table': 'later' };
  expect((await world.run(flags)).exitCode).toBe(0);
  const reference = await Bun.file(REFERENCE).text();
  const alter = /`(ALTER TABLE t ALTER COLUMN embedding TYPE .*?;)`/.exec(reference)?.[1] ?? '';
  await database.sql.unsafe(`SET search_path = public, ext;
    ${alter.replace(' t ', ' later ').replaceAll('768', '3')} SET search_path = public`);
  await add('[4.0, 5.0, 6.0]', 3);
  expect((await world.run(flags)).exitCode).toBe(0);
  const rows = await database.sql`SELECT embedding::text FROM later ORDER BY max_ingested_at`;
  expect(rows.map(({ embedding }) => embedding)).toEqual(['[0.1,2,3]', null, '[4,5,6]']);
});

test('vectors go into arrays of them, domains and keys', async () => {
  const { google, database } = world;
  await google.createTable(DATASET, 'odd', [
    { name: 'many', type: 'STRING', mode: 'REPEATED' },
    { name: 'kept', type: 'FLOAT64', mode: 'REPEATED' },
    { name: 'id', type: 'FLOAT64', mode: 'REPEATED' },
    { name: 'max_ingested_at', type: 'TIMESTAMP' },
  ]);
  await database.sql.unsafe(`CREATE DOMAIN embedding AS ext.vector(2) CHECK (ext.vector_dims(VALUE) = 2);
    CREATE TABLE odd (many ext.sparsevec(3)[], kept embedding, id ext.halfvec PRIMARY KEY,
      max_ingested_at timestamptz)`);
  const add = (row: string, second: number) =>
    google.sql(
      `INSERT INTO ${DATASET}.odd VALUES (${row}, TIMESTAMP '2024-01-01 00:00:0${second}+00')`,
    );
  await add(`['[0,1,0]', '{3:2}/3'], [1.0, 2.0], [0.1]`, 1);
  const flags = { 'bq-table': 'odd', 'pg-table': 'odd' };
  expect((await world.run(flags)).exitCode).toBe(0);
  await add(`[], [3.0, 4.0], [0.1]`, 2);
  await add(`[], [5.0, 6.0], [0.2]`, 3);
  expect((await world.run(flags)).exitCode).toBe(0);
  const rows = await database.sql`
    SELECT concat_ws(' ', many, kept, id) AS row FROM odd ORDER BY id`;
  expect(rows.map(({ row }) => row)).toEqual(['{} [3,4] [0.099975586]', '{} [5,6] [0.19995117]']);
});

test.each([
  ['FLOAT64', 'vector', '[0.1, 1.0]', '[0.10000000001, 1.0]', '[0.2, 1.0]'],
  ['INT64', 'halfvec', '[2048, 1]', '[2049, 1]', '[4096, 1]'],
] as const)(
  'keys of %s that only %s makes equal are refused, with the query that finds them',
  async (type, target, one, other, third) => {
    const { google, database } = world;
    const table = `equal_${target}`;
    await google.createTable(DATASET, table, [
      { name: 'key', type, mode: 'REPEATED' },
      { name: 'max_ingested_at', type: 'TIMESTAMP' },
    ]);
    await google.sql(
      `INSERT INTO ${DATASET}.${table} VALUES (${one}, NULL), (${other}, NULL), (${third}, NULL)`,
    );
    await database.sql.unsafe(
      `CREATE TABLE ${table} (key ext.${target}(2) PRIMARY KEY, max_ingested_at timestamptz)`,
    );
    const { lines } = await world.run({ 'bq-table': table, 'pg-table': table });
    const error = lines.find(({ severity }) => severity === 'ERROR');
    expect(error?.['code']).toBe('CONSTRAINT_VIOLATED');
    const query = /SELECT TO_JSON_STRING.*> 1/.exec(String(error?.['hint']))?.[0] ?? '';
    expect((await google.sql(query)).map((row) => Object.values(row)[1])).toEqual([2n]);
  },
);
