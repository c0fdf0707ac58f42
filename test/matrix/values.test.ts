import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { DATASET, openWorld, type World } from '../scenarios/fixture.ts';

let world: World;
let created = 0;
beforeAll(async () => {
  world = await openWorld([{ name: 'unused', type: 'INT64' }]);
});
afterAll(() => world[Symbol.asyncDispose]());

/** BigQuery type, its literal that does not fit, one that does, the target, and what is told. */
const MISFITS = [
  ['INT64', '9000000000', '1', 'integer', '"9000000000"', 'integer out of range'],
  ['STRING', `CONCAT('a', CHR(0))`, `'a'`, 'text', '"a\\u0000"', '0x00'],
  ['JSON', `JSON '{"a":"\\\\u0000"}'`, `JSON '1'`, 'jsonb', 'u0000', 'Unicode'],
  ['STRING', `'not a uuid'`, `NULL`, 'uuid', '"not a uuid"', 'not a uuid'],
  ['FLOAT64', `CAST('NaN' AS FLOAT64)`, '1.0', 'integer', '"NaN"', 'integer out of range'],
  ['FLOAT64', '1e20', '1.0', 'bigint', '"100000000000000000000"', 'not a whole number'],
  ['FLOAT64', '0.5', '1.0', 'bigint', '"0.5"', 'not a whole number'],
  ['INT64', '9007199254740993', '1', 'double precision', '"9007199254740993"', 'exactly'],
  ['STRING', `'abcd  '`, `'abc'`, 'varchar(4)', '"abcd  "', 'too long for 4'],
  ['STRING', `REPEAT('é', 32)`, `'x'`, 'name', '"éé', 'identifier too long'],
  ['STRING', `'red'`, `NULL`, 'color', '"red"', 'invalid input value for enum'],
  ['NUMERIC', `NUMERIC '1000'`, `NUMERIC '1.255'`, 'numeric(4,2)', '"1000"', 'overflow'],
  ['INT64', '-1', '1', 'positive', '"-1"', 'violates check constraint'],
  ['NUMERIC', `NUMERIC '1.005'`, `NUMERIC '1.5'`, 'money', '"1.005"', 'two digits'],
  ['STRING', `REPEAT('x', 500)`, `'x'`, 'varchar(400)', '(cut, 500 characters)', 'too long'],
] as const;

describe('a value that does not fit', () => {
  test.each(MISFITS)(
    '%s %s is named with table, column and a query that finds it',
    async (type, bad, good, target, shown, reason) => {
      const { google, database } = world;
      const table = `odd_${created++}`;
      await google.createTable(DATASET, table, [
        { name: 'my col', type },
        { name: 'max_ingested_at', type: 'TIMESTAMP' },
      ]);
      const at = `TIMESTAMP '2024-01-01 00:00:00+00'`;
      for (const value of [good, bad, good])
        await google.sql(`INSERT INTO ${DATASET}.${table} SELECT ${value}, ${at}`);
      await database.sql.unsafe(`DROP DOMAIN IF EXISTS positive CASCADE;
        DROP TYPE IF EXISTS color CASCADE; CREATE TYPE color AS ENUM ('blue');
        CREATE DOMAIN positive AS bigint CHECK (VALUE > 0);
        CREATE TABLE ${table} ("my col" ${target}, max_ingested_at timestamptz)`);
      const { exitCode, lines } = await world.run({ 'bq-table': table, 'pg-table': table });
      const { message = '', hint = '' } = (lines.find(({ severity }) => severity === 'ERROR') ??
        {}) as { message?: string; hint?: string };
      expect(exitCode).toBe(1);
      for (const part of [shown, reason, 'my col', `"public"."${table}"`])
        expect(message).toContain(part);
      const query = /Find the rows in BigQuery: (.*?);(?: Or keep .*)?$/s.exec(hint)?.[1] ?? '';
      // The stand-in reads no NUL in a literal; the escape is GoogleSQL's.
      if (bad.includes('CHR(0)')) expect(query).toContain("= 'a\\u0000'");
      // A literal of INT64 ends before it.
      else if (bad === '1e20') expect(query).toEndWith('= 100000000000000000000.0');
      else expect(await google.sql(query)).toHaveLength(1);
    },
  );

  /** A text that BigQuery does not read, or reads as another value than PostgreSQL; one that both read. */
  const CASTS = [
    ['timestamptz', 'TIMESTAMP', 'soon', '2024-01-01 00:00:00'],
    ['timestamptz', 'TIMESTAMP', '2024-01-01 00:00:00+123', '2024-01-01 00:00:00 Asia/Tokyo'],
    ['double precision', 'FLOAT64', '1e400', '-inf'],
    ['double precision', 'FLOAT64', '1e-400', '0e-400'],
    ['time', 'TIME', '23:59:60', '10:00:60'],
    ['timestamp', 'DATETIME', '2024-01-31 10:00:60.5', '2024-12-31 23:59:60'],
  ] as const;

  test.each(CASTS)(
    'of a cast to %s fails the job, with the column, the value and the condition',
    async (target, type, bad, good) => {
      const { google, database } = world;
      const table = `casts_${created++}`;
      await google.createTable(DATASET, table, [
        { name: 'when', type: 'STRING' },
        { name: 'max_ingested_at', type: 'TIMESTAMP' },
      ]);
      await google.sql(
        `INSERT INTO ${DATASET}.${table} VALUES ('${good}', NULL), ('${bad}', NULL)`,
      );
      await database.sql.unsafe(
        `CREATE TABLE ${table} ("when" ${target}, max_ingested_at timestamptz)`,
      );
      const failed = await world.run({ 'bq-table': table, 'pg-table': table });
      expect(failed.exitCode).toBe(1);
      expect(failed.text).toContain(`column \`when\`: \\"${bad}\\" is not ${type}; find it with`);
      await google.sql(`DELETE FROM ${DATASET}.${table} WHERE \`when\` = '${bad}'`);
      expect((await world.run({ 'bq-table': table, 'pg-table': table })).exitCode).toBe(0);
    },
  );

  test('NULL in a NOT NULL column is told with the way to allow it', async () => {
    const { google, database } = world;
    await google.createTable(DATASET, 'nulls', [
      { name: 'a', type: 'INT64' },
      { name: 'max_ingested_at', type: 'TIMESTAMP' },
    ]);
    await google.sql(`INSERT INTO ${DATASET}.nulls VALUES (1, NULL), (NULL, NULL)`);
    await database.sql.unsafe(
      'CREATE TABLE nulls (a integer NOT NULL, max_ingested_at timestamptz)',
    );
    const { text } = await world.run({ 'bq-table': 'nulls', 'pg-table': 'nulls' });
    expect(text).toContain('NULL of a (INT64) does not fit into column');
    expect(text).toContain('WHERE `a` IS NULL; Or allow it: ALTER TABLE');
  });
});

describe('keys', () => {
  const at = (second: number) => `TIMESTAMP '2024-01-01 00:00:0${second}+00'`;

  test('a row that breaks a CHECK of a target with a key is found by a query of its own columns', async () => {
    const { google, database } = world;
    await google.createTable(DATASET, 'checked', [
      { name: 'id', type: 'INT64' },
      { name: 'max_ingested_at', type: 'TIMESTAMP' },
    ]);
    await google.sql(`INSERT INTO ${DATASET}.checked VALUES (1, ${at(1)}), (-1, ${at(2)})`);
    await database.sql.unsafe(
      'CREATE TABLE checked (id bigint PRIMARY KEY CHECK (id > 0), max_ingested_at timestamptz)',
    );
    const { exitCode, lines } = await world.run({ 'bq-table': 'checked', 'pg-table': 'checked' });
    expect(exitCode).toBe(1);
    const error = lines.find(({ severity }) => severity === 'ERROR');
    const [, query = ''] =
      /^Find the row in BigQuery: (.*); Correct/s.exec(String(error?.['hint'])) ?? [];
    expect(await google.sql(query)).toMatchObject([{ id: -1n }]);
  });

  test('the newest row of a key wins, and never an older one over a newer', async () => {
    const { google, database } = world;
    await google.createTable(DATASET, 'keyed', [
      { name: 'a', type: 'INT64' },
      { name: 'b', type: 'STRING' },
      { name: 'v', type: 'STRING' },
      { name: 'max_ingested_at', type: 'TIMESTAMP' },
    ]);
    await database.sql.unsafe(`CREATE TABLE keyed (v text, b text,
      a bigint GENERATED ALWAYS AS IDENTITY, max_ingested_at timestamptz, PRIMARY KEY (a, b))`);
    const flags = { 'bq-table': 'keyed', 'pg-table': 'keyed' };
    await google.sql(
      `INSERT INTO ${DATASET}.keyed VALUES (1, 'x', 'old', ${at(1)}), (2, 'x', 'none', NULL)`,
    );
    expect((await world.run(flags)).exitCode).toBe(0);
    await database.sql.unsafe(
      `INSERT INTO keyed OVERRIDING SYSTEM VALUE VALUES ('later', 'x', 3, '2030-01-01')`,
    );
    await google.sql(`INSERT INTO ${DATASET}.keyed VALUES
      (1, 'x', 'newest', ${at(4)}), (1, 'x', 'newer', ${at(3)}), (1, 'y', 'other', ${at(3)}),
      (2, 'x', 'now', ${at(2)}), (3, 'x', 'older', ${at(4)})`);
    expect((await world.run(flags)).exitCode).toBe(0);
    const rows = await database.sql<
      { row: string }[]
    >`SELECT concat_ws(' ', a, b, v) AS row FROM keyed ORDER BY a, b`;
    expect(rows.map(({ row }) => row)).toEqual(['1 x newest', '1 y other', '2 x now', '3 x later']);
  });
});
