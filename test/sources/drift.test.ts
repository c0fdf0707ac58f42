import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import type { Field } from '../gcp/google.ts';
import { DATASET, openWorld, type World } from '../scenarios/fixture.ts';
import { everything } from '../scenarios/inspect.ts';
import { errorOf, runWell } from './run-well.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const ID: Field = { name: 'id', type: 'INTEGER' };
const AT: Field = { name: 'max_ingested_at', type: 'TIMESTAMP' };
const FLAGS = { 'bq-table': 'drift', 'pg-table': 'drift' };
const at = (day: number) => `TIMESTAMP '2024-01-0${day} 00:00:00+00'`;

/** Gives the source another schema, and rows. */
async function become(schema: readonly Field[], ...rows: readonly string[]): Promise<void> {
  const { google } = world;
  await google.dropTable(DATASET, 'drift');
  await google.createTable(DATASET, 'drift', schema);
  await google.sql(`INSERT INTO ${DATASET}.drift VALUES ${rows.map((row) => `(${row})`)}`);
}

/** The columns of the target with their types, in order. */
async function columns(): Promise<string[]> {
  const found = await world.database.sql<{ column: string }[]>`
    SELECT concat_ws(' ', attname, format_type(atttypid, atttypmod),
      CASE WHEN attnotnull THEN 'NOT NULL' END, col_description(attrelid, attnum)) AS column
    FROM pg_attribute WHERE attrelid = 'drift'::regclass AND attnum > 0 AND NOT attisdropped
    ORDER BY attnum`;
  return found.map(({ column }) => column);
}

async function rows(): Promise<string[]> {
  const { database } = world;
  const found = await database.sql<
    { row: string }[]
  >`SELECT d::text AS row FROM drift d ORDER BY 1`;
  return found.map(({ row }) => row);
}

const setWatermarkToNull = () =>
  world.database.sql`UPDATE sync_state SET last_synced_at = NULL WHERE table_name = 'drift'`;

/** As a first load has left it. */
beforeEach(async () => {
  await world.database.sql.unsafe(`DROP TABLE IF EXISTS drift, sync_state, sync_runs;
    CREATE TABLE drift (id bigint, v bigint, max_ingested_at timestamptz);
    INSERT INTO drift VALUES (1, 10, '2024-01-01 00:00:00+00');
    CREATE TABLE sync_state (table_name text PRIMARY KEY, last_synced_at timestamp);
    INSERT INTO sync_state VALUES ('drift', '2024-01-01')`);
});

const LOADED = ['id bigint', 'v bigint', 'max_ingested_at timestamp with time zone'];

describe('an increment', () => {
  const NEW: Field = { name: 'new', type: 'STRING', maxLength: '9', description: 'what is new' };

  test('adds a new column at the end, with its type and comment', async () => {
    await become([ID, NEW, { name: 'v', type: 'INTEGER' }, AT], `2, 'x', 20, ${at(2)}`);
    expect((await runWell(world, FLAGS)).warnings).toEqual([]);
    expect(await columns()).toEqual([...LOADED, 'new character varying(9) what is new']);
    expect(await rows()).toEqual([
      '(1,10,"2024-01-01 00:00:00+00",)',
      '(2,20,"2024-01-02 00:00:00+00",x)',
    ]);
  });

  test('adds a new REQUIRED column, which older rows have no value for, as one that takes NULL', async () => {
    await become(
      [ID, { name: 'v', type: 'INTEGER' }, AT, { ...NEW, mode: 'REQUIRED' }],
      `2, 20, ${at(2)}, 'x'`,
    );
    await runWell(world, FLAGS);
    expect(await columns()).toEqual([...LOADED, 'new character varying(9) what is new']);
    expect(await rows()).toHaveLength(2);
  });

  test('that fails adds no row; a new column that stays behind is harmless', async () => {
    await world.database.sql`ALTER TABLE drift ADD CHECK (id < 3)`;
    const before = await rows();
    await become(
      [ID, { name: 'v', type: 'INTEGER' }, AT, NEW],
      `2, 20, ${at(2)}, 'x'`,
      `3, 30, ${at(2)}, 'y'`,
    );
    const error = errorOf(await world.run(FLAGS));
    expect(error).toMatchObject({ code: 'ROW_DOES_NOT_FIT' });
    expect(error['message']).toContain('"drift_id_check"');
    expect(await rows()).toEqual(before.map((row) => row.replace(/\)$/, ',)')));
    expect(await columns()).toEqual([...LOADED, 'new character varying(9) what is new']);
  });

  test('leaves a column that is gone, with NULL and a warning', async () => {
    await become([ID, AT], `2, ${at(2)}`);
    expect((await runWell(world, FLAGS)).warnings).toEqual([
      'column v of the target is not in BigQuery: new rows have NULL there',
    ]);
    expect(await columns()).toEqual(LOADED);
    expect(await rows()).toEqual([
      '(1,10,"2024-01-01 00:00:00+00")',
      '(2,,"2024-01-02 00:00:00+00")',
    ]);
  });

  test('is refused where the column that is gone must have a value', async () => {
    await world.database.sql`ALTER TABLE drift ALTER COLUMN v SET NOT NULL`;
    await become([ID, AT], `2, ${at(2)}`);
    const before = await everything(world);
    const error = errorOf(await world.run(FLAGS));
    expect(error).toMatchObject({ code: 'COLUMN_NOT_IN_SOURCE' });
    expect(error['hint']).toContain('ALTER TABLE "public"."drift" ALTER COLUMN "v" DROP NOT NULL;');
    expect(await everything(world)).toEqual(before);
  });

  const STILL: readonly (readonly [string, Field, string, string])[] = [
    ['FLOAT64', { name: 'v', type: 'FLOAT' }, '20.0', '20'],
    ['STRING', { name: 'v', type: 'STRING' }, `'20'`, '20'],
  ];
  test.each(STILL)('goes on where the type became %s', async (_type, field, value, text) => {
    await become([ID, field, AT], `2, ${value}, ${at(2)}`);
    await runWell(world, FLAGS);
    expect(await columns()).toEqual(LOADED);
    expect((await rows()).at(-1)).toBe(`(2,${text},"2024-01-02 00:00:00+00")`);
  });

  const NO_MORE: readonly (readonly [string, Field, string])[] = [
    ['DATE', { name: 'v', type: 'DATE' }, `DATE '2024-01-01'`],
    ['ARRAY<INT64>', { name: 'v', type: 'INTEGER', mode: 'REPEATED' }, '[20]'],
  ];
  test.each(NO_MORE)(
    'is refused where the type became %s, and its way out works',
    async (type, field, value) => {
      await become([ID, field, AT], `2, ${value}, ${at(2)}`);
      const before = await everything(world);
      const error = errorOf(await world.run(FLAGS));
      expect(error).toMatchObject({ code: 'TYPES_DO_NOT_CONVERT' });
      expect(error['message']).toContain(
        `column v is ${type} in BigQuery, which does not go into "v" of type bigint`,
      );
      expect(await everything(world)).toEqual(before);
      const drop = /ALTER TABLE "public"."drift" DROP COLUMN "v"/.exec(String(error['hint']))?.[0];
      await world.database.sql.unsafe(drop ?? '');
      await setWatermarkToNull();
      expect((await runWell(world, FLAGS)).summary).toMatchObject({ mode: 'full', rows: 1 });
      expect((await columns()).map((column) => column.split(' ')[0])).toEqual([
        'id',
        'max_ingested_at',
        'v',
      ]);
    },
  );
});

describe('a full load of a target that is there', () => {
  test('keeps its types and order, and adds what is new at the end', async () => {
    await world.database.sql.unsafe(`DROP TABLE drift;
      CREATE TABLE drift (max_ingested_at timestamp(3), gone text DEFAULT 'kept', v numeric(6,1), id smallint NOT NULL)`);
    const before = await columns();
    await setWatermarkToNull();
    await become(
      [
        { name: 'first', type: 'DATE', mode: 'REQUIRED' },
        ID,
        { name: 'v', type: 'FLOAT' },
        AT,
        { name: 'last', type: 'INTEGER', mode: 'REPEATED' },
      ],
      `DATE '2024-02-29', 1, 0.5, ${at(1)}, [1, 2]`,
    );
    await runWell(world, FLAGS);
    expect(await columns()).toEqual([...before, 'first date', 'last bigint[]']);
    expect(await rows()).toEqual(['("2024-01-01 00:00:00",kept,0.5,1,2024-02-29,"{1,2}")']);
  });

  test('keeps a column that is gone, with NULL and a warning', async () => {
    await setWatermarkToNull();
    await become([AT, ID], `${at(2)}, 2`);
    expect((await runWell(world, FLAGS)).warnings).toEqual([
      'column v of the target is not in BigQuery: new rows have NULL there',
    ]);
    expect(await columns()).toEqual(LOADED);
    expect(await rows()).toEqual(['(2,,"2024-01-02 00:00:00+00")']);
  });
});
