import { expect, test } from 'bun:test';
import { openWorld, type World } from '../scenarios/fixture.ts';
import { ledger, leftovers, NOTHING_LEFT } from '../scenarios/inspect.ts';
import { startPgBouncer } from '../server/pgbouncer.ts';
import { sharedPostgres } from '../server/shared.ts';
import { exportJobs } from './fault-fixture.ts';
import { startProxy } from './proxy.ts';

const addRows = (world: World, from: number, to: number) =>
  world.google.duckdb(`INSERT INTO ${world.google.tableName('source', 'rows')}
    SELECT i, 'row ' || i, TIMESTAMPTZ '2024-01-01 00:00:00+00' + INTERVAL (i) SECOND
    FROM range(${from}, ${to}) AS r(i)`);

/** Rows of the target, and how many of them are different. */
async function loaded({ database }: World) {
  const [row] = await database.sql`SELECT count(*) AS rows, count(DISTINCT id) AS ids FROM target`;
  return { ...row };
}

async function advisoryLocks({ database }: World): Promise<number> {
  return (await database.sql`SELECT 1 FROM pg_locks WHERE locktype = 'advisory'`).length;
}

test.each([20, 2, 1])(
  'PgBouncer in session mode works out of the box, with %i connections',
  async (poolSize) => {
    await using world = await openWorld();
    const { port } = await sharedPostgres();
    await using pooler = await startPgBouncer({ mode: 'session', port, poolSize });
    const options = `?options=${encodeURIComponent('-c work_mem=8MB --search-path=public')}`;
    const flags = { 'pg-conn': pooler.through(world.database.uri) + options };
    for (const [from, to] of [
      [0, 20_000],
      [20_000, 20_100],
    ] as const) {
      await addRows(world, from, to);
      const { exitCode, text } = await world.run(flags);
      expect({ exitCode, text }).toEqual({ exitCode: 0, text });
      expect(await loaded(world)).toEqual({ rows: String(to), ids: String(to) });
    }
    expect(await advisoryLocks(world)).toBe(0);
  },
);

test.each([1, 2])(
  'a PgBouncer that loses its server %i times while its mode is found out is asked again',
  async (times) => {
    await using world = await openWorld();
    await addRows(world, 0, 100);
    const { port } = await sharedPostgres();
    await using proxy = await startProxy(port);
    const behind = proxy.through(world.database.uri);
    await using pooler = await startPgBouncer({
      mode: 'session',
      port: Number(new URL(behind).port),
    });
    const asking = { when: /BEGIN; SELECT pg_catalog.pg_backend_pid/, what: 'cut' } as const;
    const snapped = Promise.all(Array.from({ length: times }, () => proxy.trap(asking)));
    const { exitCode, text } = await world.run({ 'pg-conn': pooler.through(behind) });
    expect({ exitCode, text }).toEqual({ exitCode: 0, text });
    await snapped;
    expect(await loaded(world)).toEqual({ rows: '100', ids: '100' });
  },
);

test('where PgBouncer has fewer connections than a run would use, indexes are built by those', async () => {
  await using world = await openWorld();
  const { sql, uri } = world.database;
  const { port } = await sharedPostgres();
  await using pooler = await startPgBouncer({ mode: 'session', port, poolSize: 2 });
  await sql.unsafe(`CREATE TABLE target (id bigint, name text, max_ingested_at timestamptz);
    CREATE INDEX ON target (id); CREATE INDEX ON target (name); CREATE INDEX ON target (id, name)`);
  await addRows(world, 0, 100);
  const { exitCode, text } = await world.run({ 'pg-conn': pooler.through(uri) });
  expect({ exitCode, text }).toEqual({ exitCode: 0, text });
  expect(text).not.toContain('connecting again');
  const indexes = await sql`SELECT FROM pg_indexes WHERE tablename = 'target'`;
  expect(indexes.length).toBe(3);
});

test('a signal cancels what runs by the one connection of a PgBouncer in session mode', async () => {
  await using world = await openWorld();
  const { sql, uri } = world.database;
  const { port } = await sharedPostgres();
  await using pooler = await startPgBouncer({ mode: 'session', port, poolSize: 1 });
  await sql.unsafe(`CREATE FUNCTION sleep() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN PERFORM pg_sleep(600); RETURN NEW; END $$;
    CREATE TABLE target (id bigint, name text, max_ingested_at timestamptz)`);
  const flags = { 'pg-conn': pooler.through(uri) };
  await addRows(world, 0, 1);
  expect((await world.run(flags)).exitCode).toBe(0);
  await sql`CREATE TRIGGER sleep BEFORE INSERT ON target FOR EACH ROW EXECUTE FUNCTION sleep()`;
  await addRows(world, 1, 2);
  const run = world.start(flags);
  const sleeping = () => sql`SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'`;
  while ((await sleeping()).length === 0) await Bun.sleep(10);
  run.kill('SIGTERM');
  expect((await run.outcome).exitCode).toBe(143);
  expect((await ledger(world)).at(-1)).toMatchObject({ status: 'interrupted', cleaned: true });
  expect(await leftovers(world)).toEqual(NOTHING_LEFT);
});

test.each(['transaction', 'statement'] as const)(
  'PgBouncer in %s mode is refused by name before anything is done, and no lock stays behind',
  async (mode) => {
    await using world = await openWorld();
    await addRows(world, 0, 100);
    const { port } = await sharedPostgres();
    await using pooler = await startPgBouncer({ mode, port });
    const { exitCode, text } = await world.run({ 'pg-conn': pooler.through(world.database.uri) });
    expect(exitCode).toBe(1);
    expect(text).toContain('TRANSACTION_POOLER');
    expect(text).toContain('pool_mode = session');
    expect(exportJobs(world)).toBe(0);
    expect(await advisoryLocks(world)).toBe(0);
    // What other clients of the pool find on the backend.
    const backends = await world.database.sql`SELECT 1 FROM pg_stat_activity
      WHERE datname = current_database() AND query LIKE '%set_config%' AND pid <> pg_backend_pid()`;
    expect(backends.length).toBe(0);
  },
);

test('PgBouncer in transaction mode is found out while others use the pool', async () => {
  await using world = await openWorld();
  const { port } = await sharedPostgres();
  await using pooler = await startPgBouncer({ mode: 'transaction', port, poolSize: 4 });
  const busy = new AbortController();
  const others = Array.from({ length: 3 }, async () => {
    const postgres = (await import('postgres')).default;
    const sql = postgres(pooler.through(world.database.uri), { prepare: false, max: 1 });
    while (!busy.signal.aborted) await sql`SELECT pg_sleep(0.01)`;
    await sql.end();
  });
  const { exitCode, text } = await world.run({ 'pg-conn': pooler.through(world.database.uri) });
  expect(exitCode).toBe(1);
  expect(text).toContain('TRANSACTION_POOLER');
  busy.abort();
  await Promise.all(others);
});
