import { afterAll, beforeAll, expect, test } from 'bun:test';
import type postgres from 'postgres';
import type { TestDatabase } from '../server/database.ts';
import { sharedPostgres } from '../server/shared.ts';
import { connectAs, fullLoad, LOADER, makeTablespace, sameRows, script } from './swap-fixture.ts';

const TARGET = { schema: 'Sales', name: 'Orders' };
const STAGING = { schema: 'Sales', name: 'Orders__staging' };

let database: TestDatabase;
let loader: postgres.Sql;

beforeAll(async () => {
  database = await (await sharedPostgres()).createDatabase();
  await database.sql.unsafe(script('rich-roles.sql', 18));
  await makeTablespace(database.uri);
  await database.sql.unsafe(script('rich.sql', 18));
  loader = connectAs(database.uri, LOADER);
});

afterAll(async () => {
  await loader.end();
  await database.drop();
});

async function texts(query: string): Promise<string> {
  const rows = await database.sql.unsafe<{ text: string }[]>(
    `SELECT to_jsonb(q)::text AS text FROM (${query}) AS q`,
  );
  return rows.map(({ text }) => text).join('\n');
}

test('a target with everything on it survives two full loads by a user without superuser', async () => {
  const oidBefore = await texts(`SELECT '"Sales"."Orders"'::regclass::oid AS oid`);
  const orders = 'SELECT * FROM "Sales"."Orders" ORDER BY id';
  const rowsBefore = await texts(orders);
  // The swap itself reads everything again and refuses to end with a difference.
  for (let loads = 0; loads < 2; loads += 1) {
    const rows = await sameRows(database.sql, TARGET);
    await fullLoad(loader, { target: TARGET, staging: STAGING, rows });
  }
  expect(await texts(`SELECT '"Sales"."Orders"'::regclass::oid AS oid`)).not.toBe(oidBefore);
  expect(await texts(orders)).toBe(rowsBefore);
});

test('nothing of staging and nothing set aside is left', async () => {
  const left = `
    SELECT relname::text FROM pg_class WHERE relname ~ 'bqtp_|staging'
    UNION ALL SELECT conname::text FROM pg_constraint WHERE conname ~ 'bqtp_|staging'
    UNION ALL SELECT stxname::text FROM pg_statistic_ext WHERE stxname ~ 'bqtp_'`;
  expect(await texts(left)).toBe('');
});

test('no trigger fires, and a table of the same name earlier on the search_path is left alone', async () => {
  expect(await texts('SELECT * FROM "Sales".touched')).toBe('');
  const decoy = `SELECT obj_description('public."Orders"'::regclass) AS comment`;
  expect(await texts(decoy)).toContain('not this one');
});

test('materialized views hold the new rows, and one that was unpopulated stays so', async () => {
  expect(await texts('SELECT region, total, orders FROM "Sales".totals ORDER BY region')).toBe(
    await texts(`SELECT region, sum(amount) AS total, count(*) AS orders
      FROM "Sales"."Orders" GROUP BY region ORDER BY region`),
  );
  const populated = `SELECT relname::text, relispopulated FROM pg_class
    WHERE relnamespace = '"Sales"'::regnamespace AND relkind = 'm' ORDER BY 1`;
  expect(await texts(populated)).toBe(
    [
      '{"relname": "above", "relispopulated": true}',
      '{"relname": "empty_yet", "relispopulated": false}',
      '{"relname": "through_view", "relispopulated": true}',
      '{"relname": "totals", "relispopulated": true}',
    ].join('\n'),
  );
});

test('views, functions, rules and foreign keys work on the new table', async () => {
  await database.sql.unsafe(
    `INSERT INTO "Sales"."Orders" (id, amount, region, mood) VALUES (5000, 50, 1, 'calm')`,
  );
  expect(await texts('SELECT id FROM "Sales".paid_twice WHERE id = 5000')).toContain('5000');
  expect(await texts('SELECT "Sales".order_count(50) AS n')).toContain('52');
  await database.sql.unsafe('DELETE FROM "Sales".paid WHERE id = 5000');
  expect(await texts('SELECT note FROM "Sales"."Orders" WHERE id = 5000')).toContain('gone');
  const orphan = database.sql.unsafe('INSERT INTO "Sales".lines VALUES (1, 4711)').execute();
  await expect(orphan).rejects.toThrow('line_of');
});

test('the planner has statistics and a visibility map at once', async () => {
  const known = `SELECT reltuples > 0 AS counted, relallvisible > 0 AS visible FROM pg_class
    WHERE oid IN ('"Sales"."Orders"'::regclass)`;
  expect(await texts(known)).toBe('{"counted": true, "visible": true}');
  const extended = `SELECT count(*) > 0 AS filled FROM pg_stats_ext
    WHERE statistics_name = 'region_amount' AND n_distinct IS NOT NULL`;
  expect(await texts(extended)).toBe('{"filled": true}');
});
