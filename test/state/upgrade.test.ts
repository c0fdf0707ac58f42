import { expect, test } from 'bun:test';
import { BUCKET, openLoadedWorld, type World } from '../scenarios/fixture.ts';
import { ledger, leftovers, NOTHING_LEFT, rowsOf, watermarks } from '../scenarios/inspect.ts';

/** The state tables as the builds before version 1 made them. */
const FIRST_TABLES = `
  DROP TABLE sync_state, sync_runs, sync_splits;
  CREATE TABLE sync_state (table_name text NOT NULL PRIMARY KEY, last_synced_at timestamp);
  CREATE TABLE sync_runs (run_id text NOT NULL PRIMARY KEY, table_name text NOT NULL,
    target text NOT NULL, source text NOT NULL, mode text NOT NULL, low timestamp, high timestamp,
    status text NOT NULL, rows bigint, bytes bigint, host text NOT NULL, pid integer NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(), finished_at timestamptz, timings jsonb,
    watermark timestamp, location text NOT NULL, object_prefix text, job_id text,
    exported_rows bigint, staging text, plan text, cleaned boolean NOT NULL DEFAULT false, error text);
  CREATE INDEX sync_runs_unfinished ON sync_runs (target)
    WHERE status IN ('exporting', 'loading', 'committed') OR NOT cleaned;
  CREATE TABLE sync_splits (object_prefix text NOT NULL, split text NOT NULL, sum jsonb NOT NULL,
    watermark timestamp, PRIMARY KEY (object_prefix, split));
  INSERT INTO sync_state VALUES ('target', NULL)`;

/** A full load that was killed while it loaded, and one that was killed right after its commit. */
const DEAD_RUNS = `
  CREATE TABLE target_staging_0000aaaaaaaa (LIKE target);
  INSERT INTO sync_splits VALUES ('bq_to_postgres/loading/', 's', '{"rows": 1}', NULL);
  INSERT INTO sync_runs (run_id, table_name, target, source, mode, status, host, pid, location,
    object_prefix, job_id, rows, watermark, staging, plan, started_at)
  SELECT status, 'target', 'public.target', 'test-project.source.rows', 'full', status, 'h', 1, 'US',
    'gs://${BUCKET}/bq_to_postgres/' || status || '/', 'job_' || status, 1, watermark, staging, 'x',
    now() - age
  FROM (VALUES ('loading', NULL::timestamp, 'target_staging_0000aaaaaaaa', interval '2 days'),
    ('committed', '2024-01-01', 'target_staging_0000bbbbbbbb', interval '1 day'))
    AS run (status, watermark, staging, age)`;

async function openOldWorld(): Promise<World> {
  const world = await openLoadedWorld();
  await world.database.sql.unsafe(FIRST_TABLES);
  return world;
}

test('the first state tables are brought up to date under a view, with what dead runs left', async () => {
  await using world = await openOldWorld();
  const { google, database } = world;
  await database.sql.unsafe(`CREATE VIEW every_run AS TABLE sync_runs; ${DEAD_RUNS}`);
  for (const run of ['loading', 'committed']) {
    google.writeObject(BUCKET, `bq_to_postgres/${run}/000.avro`, Buffer.from('x'));
  }
  const { exitCode, text } = await world.run();
  expect(text).toContain('Increment of source.rows into public.target: 1 row');
  expect(exitCode).toBe(0);
  expect(await rowsOf(world)).toHaveLength(2);
  expect(await watermarks(world)).toEqual(['(target,"2024-01-02 00:00:00")']);
  expect((await ledger(world)).map(({ status }) => status)).toEqual(['died', 'applied', 'applied']);
  expect(await leftovers(world)).toEqual(NOTHING_LEFT);
  await database.sql.unsafe('COMMENT ON TABLE sync_runs IS NULL');
  expect((await world.run()).text).toContain('Nothing new');
});

test('an upgrade of the state tables that waits for somebody says for whom', async () => {
  await using world = await openOldWorld();
  const reader = await world.database.sql.reserve();
  await reader.unsafe('BEGIN; LOCK TABLE sync_runs IN ACCESS SHARE MODE');
  const run = world.start();
  await run.logged('waiting for a lock of session');
  await reader.unsafe('ROLLBACK');
  reader.release();
  expect((await run.outcome).exitCode).toBe(0);
});
