import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { Field } from '../gcp/google.ts';
import { DATASET, openWorld, type World } from '../scenarios/fixture.ts';
import { everything, exportJobs } from '../scenarios/inspect.ts';
import { errorOf, runWell } from './run-well.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const flagsOf = (table: string) => ({ 'bq-table': table, 'pg-table': table });
const AT: Field = { name: 'max_ingested_at', type: 'TIMESTAMP' };

/** One column of another type makes the whole table travel as text. */
const FORMATS = [
  ['binary', 'text'],
  ['text', 'inet'],
] as const;

/** As many as fit into a page: of a long string it holds 18 bytes, the rest is beside the row. */
const LONG = 350;
const ROWS = 4;

describe.each(FORMATS)('by COPY %s', (format, odd) => {
  test('rows of 1,000 columns that are larger than the buffers arrive whole', async () => {
    const { google, database } = world;
    const table = `long_${format}`;
    // 1,400 KB a row; md5 and repeat are the same functions in DuckDB and in PostgreSQL.
    const value = (i: number) =>
      i < LONG ? `repeat(md5(id || '/${i}'), 128)` : `((id + ${i}) % 3 = 0)`;
    const columns = Array.from({ length: 997 }, (_, i) => i);
    await google.createTable(DATASET, table, [
      { name: 'id', type: 'INTEGER' },
      ...columns.map((i): Field => ({ name: `c${i}`, type: i < LONG ? 'STRING' : 'BOOLEAN' })),
      { name: 'odd', type: 'STRING' },
      AT,
    ]);
    await google.duckdb(`INSERT INTO ${google.tableName(DATASET, table)}
      SELECT id, ${columns.map(value).join(', ')}, NULL, NULL FROM range(${ROWS}) AS t(id)`);
    await database.sql.unsafe(`CREATE TABLE ${table} (odd ${odd})`);
    expect((await runWell(world, flagsOf(table))).summary['rows']).toBe(ROWS);
    const [found] = await database.sql.unsafe<{ count: number }[]>(
      `SELECT count(*)::int FROM ${table} WHERE ${columns.map((i) => `c${i} = ${value(i)}`).join(' AND ')}`,
    );
    expect(found?.count).toBe(ROWS);
  });
});

test('1,600 columns are loaded in full, and merged by key', async () => {
  const { google, database } = world;
  const table = 'wide';
  const flags = Array.from({ length: 1597 }, (_, i) => `c${i}`);
  await google.createTable(DATASET, table, [
    { name: 'id', type: 'INTEGER' },
    ...flags.map((name): Field => ({ name, type: 'BOOLEAN' })),
    { name: 'odd', type: 'STRING' },
    AT,
  ]);
  await database.sql.unsafe(`CREATE TABLE ${table} (id bigint PRIMARY KEY, odd text)`);
  const insert = async (id: number, day: number, on: (i: number) => boolean) => {
    const values = flags.map((_name, i) => on(i));
    await google.duckdb(`INSERT INTO ${google.tableName(DATASET, table)}
        VALUES (${id}, ${values}, NULL, TIMESTAMPTZ '2024-01-0${day} 00:00:00+00')`);
  };
  await insert(1, 1, (i) => i % 2 === 0);
  await runWell(world, flagsOf(table));
  await insert(1, 2, (i) => i % 3 === 0);
  await insert(2, 2, (i) => i % 5 === 0);
  expect((await runWell(world, flagsOf(table))).summary['mode']).toBe('incremental');
  const rows = await database.sql.unsafe(`SELECT * FROM ${table} ORDER BY id`);
  const on = rows.map((row) => flags.map((name) => row[name] as boolean));
  expect(on).toEqual([3, 5].map((n) => flags.map((_name, i) => i % n === 0)));
  expect(Object.keys(rows[0] ?? {})).toHaveLength(1600);
});

test.each([1601, 10_000])(
  '%d columns are refused by the name of the limit, and a target is left alone',
  async (count) => {
    const { google, database } = world;
    const table = `too_wide_${count}`;
    await google.createTable(DATASET, table, [
      ...Array.from({ length: count - 1 }, (_, i): Field => ({ name: `c${i}`, type: 'BOOLEAN' })),
      AT,
    ]);
    await database.sql.unsafe(`CREATE TABLE ${table} AS SELECT true AS c0`);
    const before = [await everything(world), exportJobs(world).length];
    const error = errorOf(await world.run(flagsOf(table)));
    expect(error).toMatchObject({ code: 'TOO_MANY_COLUMNS' });
    expect(error['message']).toContain(`the source has ${count} columns`);
    expect(error['message']).toContain("PostgreSQL's limit is 1600 columns a table");
    expect(error['hint']).toContain('view that selects fewer columns');
    expect([await everything(world), exportJobs(world).length]).toEqual(before);
  },
);

test('a column too many for a target that has columns of its own is refused, too', async () => {
  const { google, database } = world;
  await google.createTable(DATASET, 'full', [{ name: 'new', type: 'BOOLEAN' }, AT]);
  const own = Array.from({ length: 1599 }, (_, i) => `c${i} boolean`);
  await database.sql.unsafe(`CREATE TABLE "full" (${own.join(', ')})`);
  const error = errorOf(await world.run({ 'bq-table': 'full', 'pg-table': '"full"' }));
  expect(error).toMatchObject({ code: 'TOO_MANY_COLUMNS' });
  expect(error['message']).toContain('the target would have 1601');
});

test('dropped columns count for an increment that adds one, and its way out works', async () => {
  const { google, database } = world;
  await google.createTable(DATASET, 'worn', [
    { name: 'id', type: 'INTEGER' },
    { name: 'new', type: 'STRING' },
    AT,
  ]);
  await google.sql(
    `INSERT INTO ${DATASET}.worn VALUES (2, 'x', TIMESTAMP '2024-01-02 00:00:00+00')`,
  );
  const each = (write: (i: number) => string) => Array.from({ length: 1598 }, (_, i) => write(i));
  await database.sql.unsafe(`
    CREATE TABLE worn (id bigint, max_ingested_at timestamptz, ${each((i) => `c${i} boolean`)});
    ALTER TABLE worn ${each((i) => `DROP c${i}`)};
    INSERT INTO sync_state VALUES ('worn', '2024-01-01')`);
  const error = errorOf(await world.run(flagsOf('worn')));
  expect(error).toMatchObject({ code: 'TOO_MANY_COLUMNS' });
  expect(error['message']).toContain('1598 dropped ones count');
  await database.sql`UPDATE sync_state SET last_synced_at = NULL WHERE table_name = 'worn'`;
  await runWell(world, flagsOf('worn'));
  expect([...(await database.sql`SELECT id, new FROM worn`)]).toEqual([{ id: '2', new: 'x' }]);
});
