import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { Field } from '../gcp/google.ts';
import { openWorld, type World } from './fixture.ts';
import { exportJobs } from './inspect.ts';
import { TEXT_TYPES, TYPES, type TypeCases } from './value-cases.ts';

const columnOf = ({ type }: TypeCases) => type.toLowerCase();
const arrayOf = (cases: TypeCases) => `${columnOf(cases)}s`;

function schemaOf(types: readonly TypeCases[]): readonly Field[] {
  return [
    { name: 'id', type: 'INTEGER', mode: 'REQUIRED', description: "the row's number; it's needed" },
    ...types.flatMap((cases): Field[] => {
      const { type, more } = cases;
      return [
        { ...more, name: columnOf(cases), type },
        { ...more, name: arrayOf(cases), type, mode: 'REPEATED' },
      ];
    }),
    { name: 'max_ingested_at', type: 'TIMESTAMP' },
  ];
}

/** Row 0 has NULL and empty arrays, row 1 all values in arrays, row n + 2 the n-th value of each type. */
async function fill({ google }: World, types: readonly TypeCases[]): Promise<number> {
  const most = Math.max(...types.map(({ values }) => values.length));
  for (let id = 0; id < most + 2; id += 1) {
    const columns = types.flatMap((cases) => {
      const single = cases.values[id - 2]?.[0];
      const all = cases.values.map(([sql]) => sql).join(', ');
      return [
        ...(single === undefined ? [] : [[columnOf(cases), single]]),
        ...(id === 1 ? [[arrayOf(cases), `[${all}]`]] : []),
      ];
    });
    const names = ['id', ...columns.map(([name]) => name), 'max_ingested_at'].join(', ');
    const cells = [id, ...columns.map(([, sql]) => sql), "TIMESTAMP '2024-01-01 00:00:00+00'"];
    await google.sql(`INSERT INTO source.rows (${names}) VALUES (${cells.join(', ')})`);
  }
  return most + 2;
}

const MODES = [
  ['COPY binary', TYPES],
  ['COPY text', [...TYPES, ...TEXT_TYPES]],
] as const;

describe.each(MODES)('by %s', (mode, types) => {
  let world: World;
  let rows: number;

  beforeAll(async () => {
    world = await openWorld(schemaOf(types));
    rows = await fill(world, types);
    const outcome = await world.run();
    expect(outcome.text).toContain('Full load');
    const asText = exportJobs(world)[0]?.query.includes('CAST(`date` AS STRING)');
    expect(asText).toBe(mode === 'COPY text');
  });
  afterAll(() => world[Symbol.asyncDispose]());

  /** A column's text in each row. */
  async function texts(column: string): Promise<(string | null)[]> {
    const found = await world.database.sql.unsafe<{ text: string | null }[]>(
      `SELECT ${column}::text AS text FROM target ORDER BY id`,
    );
    return found.map(({ text }) => text);
  }

  test.each(types.map((cases) => [cases.type, cases] as const))(
    `every %s value arrives as it was (${mode})`,
    async (_type, cases) => {
      const values = cases.values.map(([, text]) => text);
      const nulls = Array<null>(rows - 2 - values.length).fill(null);
      expect(await texts(columnOf(cases))).toEqual([null, null, ...values, ...nulls]);
    },
  );

  test.each(
    types.filter(({ array }) => array !== undefined).map((cases) => [cases.type, cases] as const),
  )(`an ARRAY<%s> is a Postgres array, empty or full (${mode})`, async (_type, cases) => {
    const [empty, full] = await texts(arrayOf(cases));
    expect({ empty, full }).toEqual({ empty: '{}', full: cases.array ?? '' });
  });

  test(`an ARRAY<STRUCT> is jsonb (${mode})`, async () => {
    const record = types.find(({ type }) => type === 'RECORD') as TypeCases;
    const [empty, full] = await texts('records');
    const all = record.values.map(([, text]) => text).join(', ');
    expect({ empty, full }).toEqual({ empty: '[]', full: `[${all}]` });
  });

  test(`the new table has the types, NOT NULL and comments of the source (${mode})`, async () => {
    const found = await world.database.sql`
      SELECT attname AS name, format_type(atttypid, atttypmod) AS type, attnotnull AS needed,
        col_description(attrelid, attnum) AS comment
      FROM pg_attribute WHERE attrelid = 'target'::regclass AND attnum > 0 ORDER BY attnum`;
    const column = (name: string, type: string) => ({ name, type, needed: false, comment: null });
    expect([...found]).toEqual([
      { ...column('id', 'bigint'), needed: true, comment: "the row's number; it's needed" },
      ...types.flatMap((cases) => [
        column(columnOf(cases), cases.postgres),
        column(arrayOf(cases), cases.type === 'RECORD' ? 'jsonb' : `${cases.postgres}[]`),
      ]),
      column('max_ingested_at', 'timestamp with time zone'),
    ]);
  });
});
