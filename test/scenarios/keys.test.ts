import { expect, test } from 'bun:test';
import { BUCKET, openWorld } from './fixture.ts';

test('of a unique constraint that is not the key, the query for the key is not printed', async () => {
  await using world = await openWorld();
  const { google, database } = world;
  await database.sql`CREATE TABLE target (id bigint PRIMARY KEY, name text UNIQUE, max_ingested_at timestamptz)`;
  await google.sql(`INSERT INTO source.rows VALUES (1, 'one', NULL), (2, 'one', NULL)`);
  const { exitCode, text } = await world.run();
  expect(exitCode).toBe(1);
  expect(text).toContain('target_name_key');
  expect(text).toContain('Key (name)=(one) is duplicated');
  expect(text).not.toContain('COUNT(*) > 1');
});

test('a full load of a key that is there twice fails before the swap, and prints the query that finds it', async () => {
  await using world = await openWorld();
  const { google, database } = world;
  await database.sql`CREATE TABLE target (id bigint PRIMARY KEY, name text, max_ingested_at timestamptz)`;
  await database.sql`INSERT INTO target VALUES (7, 'before', NULL)`;
  await google.sql(`INSERT INTO source.rows VALUES
    (1, 'one', TIMESTAMP '2024-01-01 00:00:00+00'), (1, 'again', NULL), (2, 'two', NULL)`);
  const outcome = await world.run();
  expect(outcome.exitCode).toBe(1);
  const told = outcome.lines.map(({ message }) => message).join('\n');
  expect(told).toContain('"target_pkey"');
  const query = /SELECT `id`, COUNT.*> 1/.exec(told)?.[0] ?? '';
  expect(Object.values((await google.sql(query))[0] ?? {}).map(String)).toEqual(['1', '2']);
  expect([...(await database.sql`SELECT id FROM target`)]).toEqual([{ id: '7' }]);
  expect(google.objects(BUCKET)).toEqual([]);
});

test('rows of an increment go into a target whose row security holds for its owner, too', async () => {
  await using world = await openWorld();
  const { sql, name, uri } = world.database;
  const owner = `owner_${name}`;
  await sql.unsafe(`CREATE ROLE ${owner} LOGIN; GRANT ALL ON SCHEMA public TO ${owner};
    GRANT TEMPORARY ON DATABASE ${name} TO ${owner}`);
  const flags = { 'pg-conn': uri.replace('postgres@', `${owner}@`) };
  const add = (row: string) => world.google.sql(`INSERT INTO source.rows VALUES (${row})`);
  await add("1, 'one', TIMESTAMP '2024-01-01 00:00:00+00'");
  expect((await world.run(flags)).exitCode).toBe(0);
  await sql.unsafe(`ALTER TABLE target ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
    CREATE POLICY all_of_them ON target USING (true)`);
  await add("2, 'two', TIMESTAMP '2024-01-02 00:00:00+00'");
  const { exitCode, text } = await world.run(flags);
  expect({ exitCode, text }).toEqual({ exitCode: 0, text });
  expect([...(await sql`SELECT id FROM target ORDER BY id`)]).toEqual([{ id: '1' }, { id: '2' }]);
  await sql.unsafe(`DROP OWNED BY ${owner}; DROP ROLE ${owner}`);
});
