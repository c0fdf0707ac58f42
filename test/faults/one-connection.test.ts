import { expect, test } from 'bun:test';
import { type Flags, openWorld, type World } from '../scenarios/fixture.ts';
import { ledger, leftovers, NOTHING_LEFT } from '../scenarios/inspect.ts';
import { openScene } from './fault-fixture.ts';

/** A role that may own the target, with the flags that log it in; `limit` is given its name. */
async function limitedRole(world: World, limit: (role: string) => string): Promise<Flags> {
  const { sql, name, uri } = world.database;
  const role = `limited_${name}`;
  await sql.unsafe(`CREATE ROLE ${role} LOGIN; GRANT CREATE ON SCHEMA public TO ${role};
    CREATE TABLE target (id bigint PRIMARY KEY, name text, max_ingested_at timestamptz);
    CREATE INDEX ON target (name); CREATE INDEX ON target (max_ingested_at);
    ALTER TABLE target OWNER TO ${role}; ${limit(role)}`);
  return { 'pg-conn': uri.replace('postgres@', `${role}@`) };
}

const addRows = (world: World, from: number, to: number) =>
  world.google.duckdb(`INSERT INTO ${world.google.tableName('source', 'rows')}
    SELECT i, 'row ' || i, TIMESTAMPTZ '2024-01-01 00:00:00+00' + INTERVAL (i) SECOND
    FROM range(${from}, ${to}) AS r(i)`);

test.each([1, 2])('a full load and an increment go by CONNECTION LIMIT %i', async (limit) => {
  await using world = await openWorld();
  world.google.settings.exportShards = 4;
  const flags = await limitedRole(world, (role) => `ALTER ROLE ${role} CONNECTION LIMIT ${limit}`);
  for (const [from, to] of [
    [0, 20_000],
    [20_000, 20_100],
  ] as const) {
    await addRows(world, from, to);
    const { exitCode, text } = await world.run(flags);
    expect({ exitCode, text }).toEqual({ exitCode: 0, text });
    expect(text).not.toContain('trying again');
    const [row] = await world.database.sql`SELECT count(*) FROM target`;
    expect(row?.['count']).toBe(String(to));
  }
});

test('the CONNECTION LIMIT of a database leaves a run the one connection that it has', async () => {
  await using world = await openWorld();
  const { sql, name } = world.database;
  const flags = await limitedRole(world, () => '');
  await addRows(world, 0, 20_000);
  const [row] = await sql`SELECT count(*) FROM pg_stat_activity WHERE datname = ${name}`;
  await sql.unsafe(`ALTER DATABASE ${name} CONNECTION LIMIT ${Number(row?.['count']) + 1}`);
  const { exitCode, text } = await world.run(flags);
  expect({ exitCode, text }).toEqual({ exitCode: 0, text });
  expect(text).toContain('there is no second connection');
});

test('an increment by one connection that waits for a lock says for whose', async () => {
  await using world = await openWorld();
  const flags = await limitedRole(world, (role) => `ALTER ROLE ${role} CONNECTION LIMIT 1`);
  await addRows(world, 0, 100);
  expect((await world.run(flags)).exitCode).toBe(0);
  await addRows(world, 100, 200);
  const holder = await world.database.sql.reserve();
  await holder.unsafe('BEGIN; LOCK TABLE target IN SHARE MODE');
  const run = world.start(flags);
  await run.logged('waiting for a lock of session ');
  await holder.unsafe('ROLLBACK');
  holder.release();
  const { exitCode, text } = await run.outcome;
  expect({ exitCode, text }).toEqual({ exitCode: 0, text });
  expect(text).toContain('SELECT pg_terminate_backend(');
});

test('the one connection that is cut while rows are loaded is made again', async () => {
  await using scene = await openScene(20_000);
  const { world, proxy } = scene;
  const { 'pg-conn': uri = '' } = await limitedRole(
    world,
    (role) => `ALTER ROLE ${role} CONNECTION LIMIT 1`,
  );
  proxy.cutAfter(200_000, 2);
  const { exitCode, text } = await world.run({ 'pg-conn': proxy.through(uri) });
  expect({ exitCode, text }).toEqual({ exitCode: 0, text });
  expect(text).toContain('the connection to PostgreSQL was lost');
  await scene.expectRight();
});

test('a signal ends a load by one connection, which leaves nothing behind', async () => {
  await using scene = await openScene(20_000);
  const { world, proxy } = scene;
  const { 'pg-conn': uri = '' } = await limitedRole(
    world,
    (role) => `ALTER ROLE ${role} CONNECTION LIMIT 1`,
  );
  const snapped = proxy.trap({ when: /COPY /, what: 'mute' });
  const run = world.start({ 'pg-conn': proxy.through(uri) });
  await snapped;
  run.kill('SIGTERM');
  expect((await run.outcome).exitCode).toBe(143);
  await scene.recover();
});

const SLEEPER = `CREATE FUNCTION sleep(id bigint) RETURNS bigint LANGUAGE plpgsql IMMUTABLE
  AS $$ BEGIN PERFORM pg_sleep(600); RETURN id; END $$`;

test.each([
  ['an index is built', 'full', `${SLEEPER}; CREATE INDEX ON target (public.sleep(id))`],
  [
    'rows are merged',
    'incremental',
    `${SLEEPER}; ALTER TABLE target ADD CHECK (public.sleep(id) > 0) NOT VALID`,
  ],
])(
  'a signal while %s by the one connection cancels it, and nothing is left behind',
  async (_, mode, setUp) => {
    await using world = await openWorld();
    const { sql } = world.database;
    const flags = await limitedRole(world, (role) => `ALTER ROLE ${role} CONNECTION LIMIT 1`);
    if (mode === 'incremental') {
      await addRows(world, 1, 2);
      expect((await world.run(flags)).exitCode).toBe(0);
    }
    await sql.unsafe(setUp);
    await addRows(world, 2, 100);
    const run = world.start(flags);
    const sleeping = () => sql`SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'`;
    while ((await sleeping()).length === 0) await Bun.sleep(10);
    run.kill('SIGTERM');
    expect((await run.outcome).exitCode).toBe(143);
    expect((await sleeping()).length).toBe(0);
    expect((await ledger(world)).at(-1)).toMatchObject({ status: 'interrupted', cleaned: true });
    expect(await leftovers(world)).toEqual(NOTHING_LEFT);
  },
);

test.each([
  ['may log in no more', (role: string) => `ALTER ROLE ${role} NOLOGIN`],
  ['has another name', (role: string) => `ALTER ROLE ${role} RENAME TO ${role}_gone`],
])('a role that meanwhile %s is not asked for again and again', async (_, change) => {
  await using scene = await openScene();
  const { world, proxy } = scene;
  const { 'pg-conn': uri = '' } = await limitedRole(world, () => '');
  const role = `limited_${world.database.name}`;
  const snapped = proxy.trap({ when: /COPY /, what: 'hold' });
  const run = world.start({ 'pg-conn': proxy.through(uri) });
  await snapped;
  await world.database.sql.unsafe(change(role));
  proxy.cut();
  const { exitCode, text } = await run.outcome;
  expect(exitCode).toBe(1);
  expect(text).toContain('LOGIN_REFUSED');
});
