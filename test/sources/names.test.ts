import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { Field } from '../gcp/google.ts';
import { DATASET, openWorld, type World } from '../scenarios/fixture.ts';
import { everything } from '../scenarios/inspect.ts';
import { errorOf, runWell } from './run-well.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const flagsOf = (table: string) => ({ 'bq-table': table, 'pg-table': `"${table}"` });
const AT: Field = { name: 'max_ingested_at', type: 'TIMESTAMP' };

async function columnsOf(table: string): Promise<string[]> {
  const found = await world.database.sql<{ name: string }[]>`
    SELECT attname AS name FROM pg_attribute
    WHERE attrelid = ${`"${table}"`}::regclass AND attnum > 0 ORDER BY attnum`;
  return found.map(({ name }) => name);
}

/** Of 70 letters, alike in all that fits into an identifier. */
const LONG = 'a_long_name_of_a_column_that_says_what_the_column_is_about_'.padEnd(69, 'x');

/**
 * Each column's name with the one that it gets. "Specify a schema" of BigQuery's documentation lists
 * the characters of flexible column names.
 */
const NAMES: readonly (readonly [string, string?])[] = [
  ['two words'],
  ['two\nlines'],
  ['  blanks  around  '],
  ["it's 100% a&b=c+d:e<f>g#h|i-j"],
  ['größe'],
  ['列名'],
  ['наименование'],
  ['e\u0301'],
  ['𝓊𝓃𝒾'],
  ['1st'],
  ['MixedCase'],
  ['select'],
  ['order'],
  ['user'],
  ['oid'],
  ['old'],
  ['excluded'],
  ['e'],
  ['o'],
  ['c0'],
  ['NULL'],
  ['_field_'],
  ['ctid', 'ctid_'],
  ['xmin', 'xmin_'],
  ['tableoid', 'tableoid_'],
  [`${'é'.repeat(31)}x`],
  [`${LONG}1`, 'a_long_name_of_a_column_that_says_what_the_column_is_a_6614f160'],
  [`${LONG}2`, 'a_long_name_of_a_column_that_says_what_the_column_is_a_818c0d66'],
  ['é'.repeat(40), `${'é'.repeat(27)}_84fe2e03`],
];

test('columns of every name that BigQuery allows arrive, by a load in binary and increments in text', async () => {
  const { google, database } = world;
  const table = 'odd names';
  const schema = [
    ...NAMES.map(([name]): Field => ({ name, type: 'STRING' })),
    { name: 'list', type: 'DATE', mode: 'REPEATED' } as const,
    { name: 'odd', type: 'STRING' },
    AT,
  ];
  await google.createTable(DATASET, table, schema);
  const target = NAMES.map(([name, other = name]) => other);
  const insert = async (id: number) => {
    const values = NAMES.map((_name, i) => `'${id}/${i}'`).join(', ');
    await google.sql(
      `INSERT INTO \`${DATASET}.${table}\` VALUES (${values}, [DATE '2024-01-02'], NULL, TIMESTAMP '2024-01-0${id} 00:00:00+00')`,
    );
    return await runWell(world, flagsOf(table));
  };
  const { warnings } = await insert(1);
  const renamed = NAMES.flatMap(([name, other]) =>
    other === undefined
      ? []
      : [`column ${name} is called ${other} in PostgreSQL, which cannot have that name`],
  );
  expect(warnings).toEqual(renamed);
  const quoted = `"${table}"`;
  await database.sql.unsafe(
    `ALTER TABLE ${quoted} ALTER COLUMN odd TYPE inet USING NULL; ALTER TABLE ${quoted} ADD PRIMARY KEY ("two words")`,
  );
  await insert(2);
  await insert(3);
  expect(await columnsOf(table)).toEqual([...target, 'list', 'odd', 'max_ingested_at']);
  const rows = await database.sql.unsafe(`SELECT * FROM ${quoted} ORDER BY 1`).values();
  const expected = [1, 2, 3].map((id) => NAMES.map((_name, i) => `${id}/${i}`));
  expect(rows.map((row) => row.slice(0, NAMES.length))).toEqual(expected);
});
describe('a column that is called like its table', () => {
  const STRUCT: Field = {
    name: 'Event',
    type: 'RECORD',
    fields: [{ name: 'kind', type: 'STRING' }],
  };

  test('is the column, not the row of the table', async () => {
    const { google, database } = world;
    await google.createTable(DATASET, 'event', [
      { name: 't', type: 'INTEGER' },
      STRUCT,
      { name: 'T_', type: 'INTEGER' },
      AT,
    ]);
    await google.sql(`INSERT INTO ${DATASET}.event VALUES (1, STRUCT('click'), 2, NULL)`);
    await runWell(world, flagsOf('event'));
    const [row] = await database.sql`SELECT t, "Event" AS event, "T_" AS t_ FROM event`;
    expect({ ...row }).toEqual({ t: '1', event: { kind: 'click' }, t_: '2' });
  });

  test('may be max_ingested_at itself', async () => {
    const { google, database } = world;
    await google.createTable(DATASET, 'max_ingested_at', [{ name: 'id', type: 'INTEGER' }, AT]);
    const insert = (id: number) =>
      google.sql(
        `INSERT INTO ${DATASET}.max_ingested_at VALUES (${id}, TIMESTAMP '2024-01-0${id} 00:00:00+00')`,
      );
    await insert(1);
    await runWell(world, flagsOf('max_ingested_at'));
    await insert(2);
    await runWell(world, flagsOf('max_ingested_at'));
    const rows = await database.sql`SELECT id FROM max_ingested_at ORDER BY id`;
    expect(rows.map(({ id }) => id)).toEqual(['1', '2']);
  });

  test('is found again by the query of an error', async () => {
    const { google, database } = world;
    await google.createTable(DATASET, 'code', [{ name: 'code', type: 'STRING' }, AT]);
    await google.sql(`INSERT INTO ${DATASET}.code VALUES ('too long', NULL)`);
    await database.sql`CREATE TABLE code (code varchar(3))`;
    const { hint } = errorOf(await world.run(flagsOf('code')));
    const query = /Find the rows in BigQuery: (.*);$/s.exec(String(hint))?.[1] ?? '';
    expect(await google.sql(query)).toHaveLength(1);
  });
});

describe('in a target that is there', () => {
  const load = async (table: string, names: readonly string[], columns: string) => {
    const { google, database } = world;
    await google.createTable(DATASET, table, [
      ...names.map((name): Field => ({ name, type: 'STRING' })),
      AT,
    ]);
    const values = names.map((_name, i) => `'${i}'`).join(', ');
    await google.sql(`INSERT INTO ${DATASET}.${table} VALUES (${values}, NULL)`);
    await database.sql.unsafe(`CREATE TABLE ${table} (${columns})`);
    return await world.run(flagsOf(table));
  };
  const firstRow = async (table: string) => [
    ...((await world.database.sql.unsafe(`SELECT * FROM ${table}`).values())[0] ?? []),
  ];

  test('a name that differs in case is the same, and an exact one comes first', async () => {
    await load('cases', ['NAME', 'Other'], '"OTHER" text, name text, "NAME" text');
    expect(await columnsOf('cases')).toEqual(['OTHER', 'name', 'NAME', 'max_ingested_at']);
    expect(await firstRow('cases')).toEqual(['1', null, '0', null]);
  });

  test('a long name that PostgreSQL has cut is still its column', async () => {
    await load('cut', [`${LONG}1`], `${LONG}1 text`);
    expect(await columnsOf('cut')).toEqual([LONG.slice(0, 63), 'max_ingested_at']);
    expect(await firstRow('cut')).toEqual(['0', null]);
  });

  const REFUSED: readonly (readonly [string, string, readonly string[], string, string])[] = [
    [
      'two that differ in case from it',
      'twins',
      ['Name'],
      'name text, "NAME" text',
      'could go into',
    ],
    ['two long names cut to one', 'cut_2', [`${LONG}1`, `${LONG}2`], `${LONG}1 text`, 'would both'],
    ['a system name beside its way out', 'xmins', ['xmin', 'xmin_'], 'xmin_ text', 'would both'],
  ];
  test.each(REFUSED)('%s: refused by name', async (_what, table, names, columns, told) => {
    const outcome = await load(table, names, columns);
    const error = errorOf(outcome);
    expect(error).toMatchObject({ code: 'AMBIGUOUS_COLUMN' });
    expect(error['message']).toContain(told);
    expect(String(error['hint'])).toMatch(/Rename one of them|view that renames one of them/);
    expect(await world.database.sql.unsafe(`SELECT * FROM ${table}`)).toHaveLength(0);
    expect(await everything(world)).toMatchObject({ objects: [] });
  });
});
