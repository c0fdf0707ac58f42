import { expect, test } from 'bun:test';
import { openLoadedWorld, openWorld, type World } from './fixture.ts';
import { exportJobs, ledger, leftovers, NOTHING_LEFT, rowsOf } from './inspect.ts';

/** A function that raises an error of the SQLSTATE, or none. */
async function raise({ database }: World, sqlstate: string | undefined): Promise<void> {
  const body =
    sqlstate === undefined
      ? 'RETURN NEW'
      : `RAISE EXCEPTION 'not now' USING ERRCODE = '${sqlstate}'`;
  await database.sql.unsafe(`CREATE OR REPLACE FUNCTION at_times() RETURNS trigger
    LANGUAGE plpgsql AS $$ BEGIN ${body}; END $$`);
}

test('an increment that fails by what may pass leaves nothing, and the ledger tells why', async () => {
  await using world = await openLoadedWorld();
  await raise(world, '55P03');
  await world.database.sql`CREATE TRIGGER at_times BEFORE INSERT ON target
    FOR EACH ROW EXECUTE FUNCTION at_times()`;
  expect((await world.run()).exitCode).toBe(1);
  expect((await ledger(world)).at(-1)).toMatchObject({
    status: 'failed',
    error: expect.stringContaining('is held by other sessions'),
  });
  expect(await leftovers(world)).toEqual(NOTHING_LEFT);
  await raise(world, undefined);
  expect((await world.run()).exitCode).toBe(0);
  expect(await rowsOf(world)).toHaveLength(2);
});

test('an index for which memory does not suffice ends the load at once, and the next run builds it', async () => {
  await using world = await openWorld();
  const { sql } = world.database;
  await world.google.sql(`INSERT INTO source.rows VALUES (1, 'one', NULL)`);
  await sql`CREATE TABLE target (id bigint, name text, max_ingested_at timestamptz)`;
  await sql.unsafe(`CREATE FUNCTION needs_memory(id bigint) RETURNS bigint IMMUTABLE LANGUAGE plpgsql
    AS $$ BEGIN RAISE 'out of memory' USING ERRCODE = '53200'; END $$;
    CREATE INDEX ON target (public.needs_memory(id))`);
  const { exitCode, text } = await world.run();
  expect(exitCode).toBe(1);
  expect(text).toContain('"code":"OUT_OF_MEMORY"');
  expect(text).toContain('Lower maintenance_work_mem');
  expect(text).not.toContain('trying again');
  await sql.unsafe(`CREATE OR REPLACE FUNCTION needs_memory(id bigint) RETURNS bigint IMMUTABLE
    LANGUAGE plpgsql AS $$ BEGIN RETURN id; END $$`);
  const again = await world.run();
  expect({ exitCode: again.exitCode, text: again.text }).toEqual({ exitCode: 0, text: again.text });
  expect(again.text).toContain('resuming its export');
  expect(await rowsOf(world)).toHaveLength(1);
  expect(await leftovers(world)).toEqual(NOTHING_LEFT);
});

test('a full load that fails by what may pass tells why, and the next run resumes it', async () => {
  await using world = await openWorld();
  const { sql } = world.database;
  await world.google.sql(`INSERT INTO source.rows VALUES (1, 'one', NULL)`);
  await sql`CREATE TABLE slots (free boolean); INSERT INTO slots VALUES (true)`.simple();
  await sql.unsafe(`CREATE FUNCTION needs_slot(id bigint) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN
    IF NOT (SELECT free FROM public.slots) THEN RAISE EXCEPTION 'no slot' USING ERRCODE = '53300'; END IF;
    RETURN id; END $$`);
  await sql`CREATE TABLE target (id bigint, name text, max_ingested_at timestamptz)`;
  await sql`CREATE MATERIALIZED VIEW seen AS SELECT public.needs_slot(id) AS id FROM target`;
  await sql`UPDATE slots SET free = false`;
  expect((await world.run()).exitCode).toBe(1);
  const [run] = await ledger(world);
  expect(run).toMatchObject({ status: 'loading', error: expect.stringContaining('no slot') });
  await sql`UPDATE slots SET free = true`;
  const { exitCode, text } = await world.run();
  expect({ exitCode, text }).toEqual({ exitCode: 0, text });
  expect(text).toContain('resuming its export');
  expect(exportJobs(world)).toHaveLength(1);
  expect(await rowsOf(world, 'seen')).toEqual(['(1)']);
  expect(await leftovers(world)).toEqual(NOTHING_LEFT);
});
