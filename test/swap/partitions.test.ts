import { afterAll, beforeAll, expect, test } from 'bun:test';
import type postgres from 'postgres';
import type { TestDatabase } from '../server/database.ts';
import { sharedPostgres } from '../server/shared.ts';
import { texts } from './objects-fixture.ts';
import { dependentsOf } from './read-dependents.ts';
import { connectAs, fullLoad, LOADER, makeTablespace, sameRows, script } from './swap-fixture.ts';
import { STAGING_NAME, TARGETS } from './tree-targets.ts';

let database: TestDatabase;
let loader: postgres.Sql;
const debug: string[] = [];

beforeAll(async () => {
  database = await (await sharedPostgres()).createDatabase();
  await database.sql.unsafe(script('rich-roles.sql', 18));
  await makeTablespace(database.uri);
  await database.sql.unsafe(script('rich-tree.sql', 18));
  loader = connectAs(database.uri, LOADER, 4, (message) => debug.push(message));
});

afterAll(async () => {
  await loader.end();
  await database.drop();
});

/** All rows of all trees, through their roots and by partition. */
const ROWS = `SELECT tableoid::regclass::text AS leaf, e::text AS row FROM "Sales"."Events" e
  UNION ALL SELECT tableoid::regclass::text, r::text FROM "Sales".raw r
  UNION ALL SELECT tableoid::regclass::text, b::text FROM "Sales".by_name b ORDER BY 1, 2`;

/** The relations of the schemas by name, with the oids of those that a load must not replace. */
const RELATIONS = `SELECT oid::regclass::text, CASE WHEN relkind IN ('p', 'I', 'S', 'v') THEN oid::text END
  FROM pg_class WHERE relnamespace IN ('"Sales"'::regnamespace, 'archive'::regnamespace)
    AND relkind <> 't' ORDER BY 1`;

for (const target of TARGETS) {
  test(`a full load of ${target.schema}.${target.name} keeps the tree, and reads no row to attach`, async () => {
    const { sql } = database;
    const before = await dependentsOf(loader, target);
    const rows = await texts(sql, ROWS);
    const relations = await texts(sql, RELATIONS);
    const load = {
      target,
      staging: { schema: target.schema, name: STAGING_NAME },
      rows: await sameRows(sql, target),
    };
    debug.length = 0;
    const attached: string[] = [];
    const onStep = (statement: string) => {
      if (attached.length === 0) debug.length = 0;
      if (statement.includes(' ATTACH PARTITION ')) attached.push(statement);
    };
    const { reasons } = await fullLoad(loader, { ...load, options: { onStep } });
    expect(await texts(sql, ROWS)).toEqual([...rows]);
    expect(await texts(sql, RELATIONS)).toEqual([...relations]);
    expect((await dependentsOf(loader, target))?.fingerprint).toBe(before?.fingerprint ?? '');
    expect(attached.length).toBe(before?.tables.length ?? -1);
    const scanned = reasons.filter((reason) => reason.startsWith('default partition'));
    const verified = debug.filter((message) => message.startsWith('verifying table'));
    if (scanned.length === 0) expect(verified).toEqual([]);
    const implied = debug.filter((message) => message.includes('is implied by existing'));
    expect(implied.length).toBeGreaterThanOrEqual(attached.length);
  });
}

test('only a default partition beside a leaf that is the target is read, and the swap says so', async () => {
  const target = { schema: 'Sales', name: 'events_2026_eu' };
  const staging = { schema: 'Sales', name: STAGING_NAME };
  const rows = await sameRows(database.sql, target);
  const { reasons } = await fullLoad(loader, { target, staging, rows });
  expect(reasons[0]).toStartWith('default partition "Sales"."events_2026_rest" scanned in');
});

test('the tree works as before: keys, checks, triggers, row types, routing', async () => {
  const { sql } = database;
  expect(await texts(sql, 'SELECT * FROM "Sales".touched')).toEqual([]);
  const [row] = await sql`INSERT INTO "Sales"."Events" (day, region, amount)
    VALUES ('2027-05-05', 'eu', 4) RETURNING tableoid::regclass::text AS leaf, id`;
  expect(row?.['leaf']).toStartWith('archive.events_2027_');
  expect(await texts(sql, 'SELECT * FROM "Sales".touched')).toEqual(['{"by": "of_rows"}']);
  const [value] = await texts(
    sql,
    `SELECT "Sales".of_row(e) AS amount FROM "Sales"."Events" e
    WHERE id = ${row?.['id']}`,
  );
  expect(value).toBe('{"amount": 4.00}');
  const fails = async (statement: string, constraint: string) =>
    await expect(sql.unsafe(statement).execute()).rejects.toThrow(constraint);
  await fails(
    `INSERT INTO "Sales"."Events" (day, amount) VALUES ('2025-05-05', -1)`,
    'amount_check',
  );
  await fails(
    `INSERT INTO "Sales"."Events" (day, customer) VALUES ('2025-05-05', 99)`,
    'of_customer',
  );
  await fails(`INSERT INTO "Sales".lines VALUES (4711, '2025-05-05', 'eu')`, 'line_of');
  await fails(`DELETE FROM "Sales".regions WHERE name = 'eu'`, 'of_region');
  await fails('DELETE FROM "Sales".customers WHERE id = 20', 'of_customer');
});

test('values that a load draws itself come from the sequences of the root, which stay ahead of the rows', async () => {
  const { sql } = database;
  await sql.unsafe(`SET ROLE rich_owner;
    CREATE TABLE "Sales".numbered (id integer GENERATED BY DEFAULT AS IDENTITY, n serial, day date)
      PARTITION BY LIST (day);
    CREATE TABLE "Sales".numbered_rest PARTITION OF "Sales".numbered DEFAULT;
    INSERT INTO "Sales".numbered (day) VALUES ('2026-01-01'), ('2026-01-02'); RESET ROLE`);
  const target = { schema: 'Sales', name: 'numbered' };
  const load = { target, staging: { schema: 'Sales', name: STAGING_NAME } };
  await fullLoad(loader, { ...load, rows: `(day) VALUES ('2026-02-01')` });
  expect(await texts(sql, 'SELECT id, n FROM "Sales".numbered')).toEqual(['{"n": 3, "id": 3}']);
  await fullLoad(loader, { ...load, rows: `(id, n) VALUES (50, 60)` });
  await sql`INSERT INTO "Sales".numbered (day) VALUES ('2026-03-01')`;
  expect(await texts(sql, 'SELECT id, n FROM "Sales".numbered ORDER BY id')).toEqual([
    '{"n": 60, "id": 50}',
    '{"n": 61, "id": 51}',
  ]);
});

test('nothing of staging is left', async () => {
  const left = `SELECT relname FROM pg_class WHERE relname ~ 'bqtp_|staging'
    UNION ALL SELECT conname FROM pg_constraint WHERE conname ~ 'bqtp_|staging'`;
  expect(await texts(database.sql, left)).toEqual([]);
});
