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

test('of a key that is there twice a full load takes the newest row, and says how many it left out', async () => {
  await using world = await openWorld();
  const { google, database } = world;
  await database.sql`CREATE TABLE target (id bigint PRIMARY KEY, name text, max_ingested_at timestamptz)`;
  await database.sql`INSERT INTO target VALUES (7, 'before', NULL)`;
  await google.sql(`INSERT INTO source.rows VALUES
    (1, 'one', TIMESTAMP '2024-01-01 00:00:00+00'), (1, 'again', NULL), (2, 'two', NULL)`);
  const { exitCode, lines } = await world.run();
  expect({ exitCode, ...lines.at(-1) }).toMatchObject({ exitCode: 0, rows: 2, rowsLeftOut: 1 });
  const rows = await database.sql`SELECT id, name FROM target ORDER BY id`;
  expect([...rows]).toEqual([
    { id: '1', name: 'one' },
    { id: '2', name: 'two' },
  ]);
});

test('keys that only the types of the target make equal are refused in both modes, with the query', async () => {
  await using world = await openWorld([
    { name: 'id', type: 'NUMERIC' },
    { name: 'name', type: 'STRING' },
    { name: 'max_ingested_at', type: 'TIMESTAMP' },
  ]);
  const { google, database } = world;
  await database.sql`CREATE TABLE target (id numeric(10,2) PRIMARY KEY, name text, max_ingested_at timestamptz)`;
  await database.sql`INSERT INTO target VALUES (7, 'before', NULL)`;
  await google.sql(`INSERT INTO source.rows VALUES
    (1.001, 'a', TIMESTAMP '2024-01-01 00:00:00+00'), (1.004, 'b', TIMESTAMP '2024-01-02 00:00:00+00')`);
  for (const code of ['CONSTRAINT_VIOLATED', 'KEYS_EQUAL_IN_TARGET']) {
    const outcome = await world.run();
    const error = outcome.lines.find(({ severity }) => severity === 'ERROR');
    expect({ exitCode: outcome.exitCode, code: error?.['code'] }).toEqual({ exitCode: 1, code });
    const query = /SELECT ROUND.*> 1/.exec(String(error?.['hint']))?.[0] ?? '';
    expect(Object.values((await google.sql(query))[0] ?? {}).map(Number)).toEqual([1, 2]);
    expect([...(await database.sql`SELECT id FROM target`)]).toEqual([{ id: '7.00' }]);
    expect(google.objects(BUCKET)).toEqual([]);
    await database.sql`UPDATE sync_state SET last_synced_at = '2023-01-01'`;
    await database.sql`INSERT INTO sync_state VALUES ('target', '2023-01-01') ON CONFLICT DO NOTHING`;
  }
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
