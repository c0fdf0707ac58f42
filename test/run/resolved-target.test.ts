import { expect, test } from 'bun:test';
import { openWorld, type World } from '../scenarios/fixture.ts';
import { exportJobs } from '../scenarios/inspect.ts';

const FIRST = "(1, 'one', TIMESTAMP '2024-01-01 00:00:00+00')";

async function openFilledWorld(): Promise<World> {
  const world = await openWorld();
  await world.google.sql(`INSERT INTO source.rows VALUES ${FIRST}`);
  return world;
}

function withSearchPath({ database }: World, schema: string): string {
  return `${database.uri}?options=-csearch_path%3D${schema}`;
}

async function stateSchemas({ database }: World): Promise<string[]> {
  const rows = await database.sql<{ schema: string }[]>`
    SELECT relnamespace::regnamespace::text AS schema FROM pg_class
    WHERE relname = 'sync_state' AND relkind = 'r' ORDER BY 1`;
  return rows.map(({ schema }) => schema);
}

test('a server older than PostgreSQL 13 is refused before anything is made', async () => {
  await using world = await openFilledWorld();
  const { sql } = world.database;
  // The role's own search_path lets the server give itself out for an older one.
  await sql.unsafe(`CREATE SCHEMA old; CREATE FUNCTION old.current_setting(name text) RETURNS text
    LANGUAGE sql AS $$ SELECT CASE name WHEN 'server_version_num' THEN '120022'
      ELSE pg_catalog.current_setting(name) END $$`);
  const { exitCode, lines } = await world.run({
    'pg-conn': withSearchPath(world, 'old,pg_catalog,public'),
  });
  expect(exitCode).toBe(1);
  expect(lines.at(-1)).toMatchObject({
    code: 'UNSUPPORTED_SERVER',
    message: expect.stringContaining('PostgreSQL 12, and 13 is the oldest'),
  });
  expect(exportJobs(world)).toEqual([]);
  expect(await stateSchemas(world)).toEqual([]);
});

test('the only state tables that know a target are its own, also where the search_path does not lead to them', async () => {
  await using world = await openFilledWorld();
  await world.database.sql.unsafe('CREATE SCHEMA data');
  const first = await world.run({
    'pg-conn': withSearchPath(world, 'data'),
    'pg-table': 'public.target',
  });
  expect(first.text).toContain('Full load');
  const second = await world.run({ 'pg-table': 'public.target' });
  expect(second.text).toContain('Nothing new');
  expect(second.exitCode).toBe(0);
  expect(await stateSchemas(world)).toEqual(['data']);
});

test("another program's sync_runs, and a copy of our own, are no state tables", async () => {
  await using world = await openFilledWorld();
  const { sql } = world.database;
  await sql.unsafe(`CREATE SCHEMA other; CREATE TABLE other.sync_runs (id int);
    CREATE TABLE other.sync_state (id int)`);
  expect((await world.run()).exitCode).toBe(0);
  await sql.unsafe('CREATE SCHEMA backup; CREATE TABLE backup.sync_runs AS TABLE sync_runs');
  const { exitCode, text } = await world.run();
  expect(text).toContain('Nothing new');
  expect(exitCode).toBe(0);
});

test('a user who may not create anywhere uses the state tables that are there', async () => {
  await using world = await openFilledWorld();
  const { sql, name, uri } = world.database;
  await sql.unsafe('CREATE SCHEMA data');
  expect(
    (await world.run({ 'pg-table': 'data.target', 'pg-conn': withSearchPath(world, 'data') }))
      .exitCode,
  ).toBe(0);
  const role = `reader_${name}`;
  await sql.unsafe(`CREATE ROLE ${role} LOGIN; GRANT USAGE ON SCHEMA data TO ${role};
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA data TO ${role}`);
  await world.google.sql(
    "INSERT INTO source.rows VALUES (2, 'two', TIMESTAMP '2024-01-02 00:00:00+00')",
  );
  const { exitCode, text } = await world.run({
    'pg-table': 'data.target',
    'pg-conn': uri.replace('postgres@', `${role}@`),
  });
  await sql.unsafe(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  expect(text).toContain('Increment of source.rows into data.target: 1 row');
  expect(exitCode).toBe(0);
});
