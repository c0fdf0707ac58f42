import { expect, test } from 'bun:test';
import { errorOf } from '../sources/run-well.ts';
import { type Flags, openWorld, type World } from './fixture.ts';
import { exportJobs, ledger, rowsOf } from './inspect.ts';

/** A world with the keyed target `target`, loaded once as `owner`, and one row that waits for an increment. */
async function openKeyed(): Promise<World> {
  const world = await openWorld();
  await world.database
    .sql`CREATE TABLE target (id bigint PRIMARY KEY, name text, max_ingested_at timestamptz)`;
  await add(world, 1, 'one');
  expect((await world.run()).exitCode).toBe(0);
  await add(world, 2, 'two');
  return world;
}

async function add({ google }: World, id: number, name: string): Promise<void> {
  const at = `TIMESTAMP '2024-01-${String(id).padStart(2, '0')} 00:00:00+00'`;
  await google.sql(`INSERT INTO source.rows VALUES (${id}, ${JSON.stringify(name)}, ${at})`);
}

/** Expects a run that is refused before anything is exported. */
async function refusedEarly(world: World, code: string, hint: string, flags?: Flags) {
  const before = exportJobs(world).length;
  const error = errorOf(await world.run(flags));
  expect(error).toMatchObject({ code, hint: expect.stringContaining(hint) });
  expect(exportJobs(world)).toHaveLength(before);
  return error;
}

test('without the right to make temporary tables an upsert is refused before the export', async () => {
  await using world = await openKeyed();
  const { sql, name, uri } = world.database;
  const role = `bare_${name}`;
  await sql.unsafe(`REVOKE TEMPORARY ON DATABASE ${name} FROM PUBLIC; CREATE ROLE ${role} LOGIN;
    GRANT ALL ON target, sync_state, sync_runs, sync_splits TO ${role}`);
  const flags = { 'pg-conn': uri.replace('postgres@', `${role}@`) };
  const grant = `GRANT TEMPORARY ON DATABASE "${name}" TO "${role}";`;
  await refusedEarly(world, 'PERMISSION_DENIED', grant, flags);
  await sql.unsafe(grant);
  const { exitCode, text } = await world.run(flags);
  expect({ exitCode, text }).toEqual({ exitCode: 0, text });
  expect(await rowsOf(world)).toHaveLength(2);
  await sql.unsafe(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
});

test('rights that an upsert lacks on the target are named before the export', async () => {
  await using world = await openKeyed();
  const { sql, name, uri } = world.database;
  const role = `poor_${name}`;
  await sql.unsafe(`CREATE ROLE ${role} LOGIN; GRANT INSERT, SELECT ON target TO ${role};
    GRANT ALL ON sync_state, sync_runs, sync_splits TO ${role}`);
  const flags = { 'pg-conn': uri.replace('postgres@', `${role}@`) };
  const grant = `GRANT UPDATE ON "public"."target" TO "${role}";`;
  await refusedEarly(world, 'PERMISSION_DENIED', grant, flags);
  await sql.unsafe(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
});

test('a rule on a keyed target is refused before the export', async () => {
  await using world = await openKeyed();
  await world.database.sql`CREATE RULE aside AS ON INSERT TO target DO INSTEAD NOTHING`;
  await refusedEarly(world, 'CANNOT_UPSERT', 'DROP RULE "aside" ON "public"."target";');
});

test('a published target without replica identity is refused before the export', async () => {
  await using world = await openKeyed();
  const { sql } = world.database;
  await sql`ALTER TABLE target REPLICA IDENTITY NOTHING`;
  await sql`CREATE PUBLICATION all_changes FOR TABLE target`;
  const alter = 'ALTER TABLE "public"."target" REPLICA IDENTITY DEFAULT;';
  await refusedEarly(world, 'CANNOT_UPSERT', alter);
  await sql.unsafe(alter);
  expect((await world.run()).exitCode).toBe(0);
});

const DECLARED = (length: string) =>
  [
    { name: 'id', type: 'INTEGER' },
    { name: 'name', type: 'STRING', maxLength: length },
    { name: 'max_ingested_at', type: 'TIMESTAMP' },
  ] as const;

test('a length that grew in BigQuery widens the column that was made of it', async () => {
  await using world = await openWorld(DECLARED('3'));
  const { google, database } = world;
  await add(world, 1, 'abc');
  expect((await world.run()).exitCode).toBe(0);
  await google.createTable('source', 'wider', DECLARED('10'));
  await google.sql(
    `INSERT INTO source.wider VALUES (2, 'abcdefghij', TIMESTAMP '2024-01-02 00:00:00+00')`,
  );
  await database.sql`UPDATE sync_runs SET source = 'source.wider'`;
  const { exitCode, text } = await world.run({ 'bq-table': 'wider' });
  expect({ exitCode, text }).toEqual({ exitCode: 0, text });
  const [type] = await database.sql`SELECT format_type(atttypid, atttypmod) AS type
    FROM pg_attribute WHERE attrelid = 'target'::regclass AND attname = 'name'`;
  expect(type?.['type']).toBe('character varying(10)');
  expect(await rowsOf(world)).toHaveLength(2);
});

test('where a view keeps the column from being widened, the statement is named before the export', async () => {
  await using world = await openWorld(DECLARED('10'));
  const { sql } = world.database;
  await sql`CREATE TABLE target (id bigint, name varchar(3), max_ingested_at timestamptz)`;
  await sql`CREATE VIEW names AS SELECT name FROM target`;
  await add(world, 1, 'abcdef');
  const statement = 'ALTER TABLE "public"."target" ALTER COLUMN "name" TYPE character varying(10);';
  await refusedEarly(world, 'CANNOT_WIDEN', statement);
});

test('a scale that the target lacks is never rounded away without a word', async () => {
  await using world = await openWorld([
    { name: 'id', type: 'NUMERIC', precision: '12', scale: '4' },
    { name: 'name', type: 'STRING' },
    { name: 'max_ingested_at', type: 'TIMESTAMP' },
  ]);
  const { sql } = world.database;
  await sql`CREATE TABLE target (id numeric(10,2), name text, max_ingested_at timestamptz)`;
  await add(world, 1, 'one');
  const { exitCode, lines } = await world.run();
  expect(exitCode).toBe(0);
  expect(lines.find(({ severity }) => severity === 'WARNING')?.message).toBe(
    'values of id are rounded to the scale that numeric(10,2) declares',
  );
});

test.each(['an increment', 'a full load'])(
  'a value that is too long for an index is told with the index, in %s',
  async (kind) => {
    await using world = await openKeyed();
    const { google, database } = world;
    await database.sql`CREATE INDEX by_name ON target (name)`;
    if (kind === 'a full load') await database.sql`UPDATE sync_state SET last_synced_at = NULL`;
    const noise = Array.from({ length: 400 }, (_, i) => Bun.hash(String(i)).toString(36)).join('');
    await google.sql(
      `INSERT INTO source.rows VALUES (3, '${noise}', TIMESTAMP '2024-01-03 00:00:00+00')`,
    );
    const error = errorOf(await world.run());
    const query = /SELECT \* FROM .* LIMIT 10/.exec(String(error['hint']))?.[0] ?? '';
    expect(error).toMatchObject({
      code: 'INDEX_ROW_TOO_LARGE',
      message: expect.stringContaining('"by_name" of "public"."target"'),
      hint: expect.stringContaining('md5(column)'),
    });
    expect((await google.sql(query))[0]?.['id']).toBe(3n);
  },
);

test('U+0000 in JSON for jsonb is told with the type that holds it', async () => {
  await using world = await openWorld([
    { name: 'id', type: 'JSON' },
    { name: 'max_ingested_at', type: 'TIMESTAMP' },
  ]);
  const { google, database } = world;
  await google.sql(
    String.raw`INSERT INTO source.rows VALUES (JSON '{"a":"x\\u0000y"}', TIMESTAMP '2024-01-01 00:00:00+00')`,
  );
  const error = errorOf(await world.run());
  const alter = 'ALTER TABLE "public"."target" ALTER COLUMN "id" TYPE json;';
  expect(error).toMatchObject({ code: 'VALUE_DOES_NOT_FIT', hint: expect.stringContaining(alter) });
  await database.sql`CREATE TABLE target (id json, max_ingested_at timestamptz)`;
  expect((await world.run()).exitCode).toBe(0);
});

test('rows that swap their unique values are told the constraint that is checked at the end', async () => {
  await using world = await openWorld();
  const { google, database } = world;
  const { sql } = database;
  await sql`CREATE TABLE target (id bigint PRIMARY KEY, name text, max_ingested_at timestamptz,
    CONSTRAINT one_name UNIQUE (name))`;
  await add(world, 1, 'a');
  await add(world, 2, 'b');
  expect((await world.run()).exitCode).toBe(0);
  await google.sql(`INSERT INTO source.rows VALUES
    (1, 'b', TIMESTAMP '2024-02-01 00:00:00+00'), (2, 'a', TIMESTAMP '2024-02-01 00:00:00+00')`);
  expect(errorOf(await world.run())).toMatchObject({
    code: 'CONSTRAINT_VIOLATED',
    hint: expect.stringContaining('DEFERRABLE INITIALLY DEFERRED'),
  });
  await sql`ALTER TABLE target DROP CONSTRAINT one_name`;
  await sql`ALTER TABLE target ADD CONSTRAINT one_name UNIQUE (name) DEFERRABLE INITIALLY DEFERRED`;
  expect((await world.run()).exitCode).toBe(0);
  expect([...(await sql`SELECT name FROM target ORDER BY id`)]).toEqual([
    { name: 'b' },
    { name: 'a' },
  ]);
});

test('readers go on while an increment with a new column loads', async () => {
  await using world = await openWorld();
  const { google, database } = world;
  await add(world, 1, 'one');
  expect((await world.run()).exitCode).toBe(0);
  await database.sql`ALTER TABLE target DROP COLUMN name`;
  await add(world, 2, 'two');
  google.fail({ service: 'storage', path: /alt=media/, kind: 'delay', ms: 4000 });
  const run = world.start();
  const added = async () =>
    (
      await database.sql`SELECT FROM pg_attribute
      WHERE attrelid = 'target'::regclass AND attname = 'name' AND NOT attisdropped`
    ).length > 0;
  while (!(await added())) await Bun.sleep(10);
  await database.sql.unsafe(`SET lock_timeout = '1s'; SELECT count(*) FROM target`);
  expect(await ledger(world)).toMatchObject([{}, { status: 'loading' }]);
  expect((await run.outcome).exitCode).toBe(0);
  expect(await rowsOf(world)).toHaveLength(2);
});

test('the ledger of a database that is not UTF-8 keeps every error', async () => {
  await using world = await openWorld([
    { name: 'id', type: 'STRING' },
    { name: 'max_ingested_at', type: 'TIMESTAMP' },
  ]);
  const { google, database } = world;
  const latin = `latin_${database.name}`;
  await database.sql.unsafe(
    `CREATE DATABASE ${latin} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`,
  );
  try {
    const url = new URL(database.uri);
    url.pathname = `/${latin}`;
    await google.sql(`INSERT INTO source.rows VALUES ('žluť', TIMESTAMP '2024-01-01 00:00:00+00')`);
    const outcome = await world.run({ 'pg-conn': url.href });
    expect(outcome.exitCode).toBe(1);
    expect(outcome.text).not.toContain('could not clean up');
    const { SQL } = Bun;
    await using pool = new SQL(url.href);
    const [row] = await pool`SELECT status, error FROM sync_runs`;
    expect(row).toMatchObject({ status: 'failed', error: expect.stringContaining('\\u{17e}') });
  } finally {
    await database.sql.unsafe(`DROP DATABASE ${latin} WITH (FORCE)`);
  }
});
