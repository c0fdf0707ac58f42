import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { SERVER_PASSWORD, startPostgres } from '../server/server.ts';
import { BUCKET, openLoadedWorld, openWorld, SCHEMA, type World } from './fixture.ts';
import {
  everything,
  exportJobs,
  ledger,
  leftovers,
  NOTHING_LEFT,
  slowExports,
  untilExporting,
} from './inspect.ts';

const SIGNALS = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const;

/** Sends the signal, and sees to it that the run ends in good order and in time. */
async function endsInOrder(
  world: World,
  running: ReturnType<World['start']>,
  signal: (typeof SIGNALS)[number][0],
  exitCode: number,
) {
  const sent = performance.now();
  running.kill(signal);
  const outcome = await running.outcome;
  const seconds = (performance.now() - sent) / 1000;
  expect(outcome.exitCode).toBe(exitCode);
  expect(outcome.lines.at(-1)).toMatchObject({ severity: 'ERROR', code: 'INTERRUPTED' });
  expect(outcome.lines.at(-1)?.message).toStartWith(`interrupted by ${signal}`);
  // Promised to users, whose init systems and schedulers kill what does not end.
  expect(seconds).toBeLessThan(5);
  expect(await leftovers(world)).toEqual(NOTHING_LEFT);
  expect((await ledger(world)).at(-1)).toMatchObject({ status: 'interrupted', cleaned: true });
}

describe.each(SIGNALS)('%s', (signal, exitCode) => {
  test('during the export cancels its job, and the next run does it all', async () => {
    await using world = await openLoadedWorld();
    const before = await everything(world);
    slowExports(world);
    const running = world.start();
    await untilExporting(world);
    await endsInOrder(world, running, signal, exitCode);
    expect(exportJobs(world).at(-1)).toMatchObject({ state: 'DONE', error: 'stopped' });
    expect(await everything(world)).toEqual(before);
    slowExports(world, 0);
    expect((await world.run()).lines.at(-1)).toMatchObject({ mode: 'incremental', rows: 1 });
  });
});

/** Starts a run whose objects stall in the middle, and waits until they do. */
async function startStalled(world: World): Promise<ReturnType<World['start']>> {
  const { google } = world;
  const before = google.requests.length;
  google.fail({
    kind: 'stall',
    afterBytes: 100,
    service: 'storage',
    path: /alt=media/,
    times: Infinity,
  });
  const running = world.start();
  const ended = running.outcome.then(({ text }) => {
    throw new Error(`the run ended before it was stopped: ${text}`);
  });
  ended.catch(() => undefined);
  const isReading = () =>
    google.requests.slice(before).some(({ path }) => path.includes('alt=media'));
  while (!isReading()) await Promise.race([Bun.sleep(10), ended]);
  return running;
}

test('SIGTERM while an increment is loaded rolls it back', async () => {
  await using world = await openLoadedWorld();
  const before = await everything(world);
  const running = await startStalled(world);
  await endsInOrder(world, running, 'SIGTERM', 143);
  expect(await everything(world)).toEqual(before);
  world.google.heal();
  expect((await world.run()).lines.at(-1)).toMatchObject({ mode: 'incremental', rows: 1 });
});

test('SIGINT while a full load fills its staging table drops it', async () => {
  await using world = await openLoadedWorld();
  await world.database.sql`UPDATE sync_state SET last_synced_at = NULL`;
  const before = await everything(world);
  const running = await startStalled(world);
  await endsInOrder(world, running, 'SIGINT', 130);
  expect(await everything(world)).toEqual(before);
  world.google.heal();
  expect((await world.run()).lines.at(-1)).toMatchObject({ mode: 'full', rows: 2 });
});

test('SIGTERM while the swap waits for a reader leaves the target as it was', async () => {
  await using world = await openLoadedWorld();
  const { sql } = world.database;
  await sql`UPDATE sync_state SET last_synced_at = NULL`;
  const before = await everything(world);
  const reader = await sql.reserve();
  await reader.unsafe('BEGIN; SELECT count(*) FROM target');
  const running = world.start();
  await untilWaiting(world);
  await endsInOrder(world, running, 'SIGTERM', 143);
  await reader.unsafe('ROLLBACK');
  reader.release();
  expect(await everything(world)).toEqual(before);
});

/** Waits until a session of the program waits for a lock. */
async function untilWaiting({ database }: World): Promise<void> {
  for (;;) {
    const [row] = await database.sql`SELECT count(*)::int AS sessions FROM pg_stat_activity
      WHERE application_name LIKE 'bq_to_postgres%' AND wait_event_type = 'Lock'`;
    if (row?.['sessions'] > 0) return;
    await Bun.sleep(5);
  }
}

test('SIGTERM while an index is built cancels the build', async () => {
  await using world = await openLoadedWorld();
  const { sql } = world.database;
  await sql`UPDATE sync_state SET last_synced_at = NULL`;
  await sql.unsafe(`ALTER TABLE target ALTER name SET NOT NULL;
    CREATE FUNCTION sleep(name text) RETURNS text LANGUAGE plpgsql IMMUTABLE
    AS $$ BEGIN IF name <> 'one' THEN PERFORM pg_sleep(600); END IF; RETURN name; END $$;
    CREATE INDEX ON target (public.sleep(name))`);
  const before = await everything(world);
  const running = world.start();
  while ((await sleeping(world)) === 0) await Bun.sleep(5);
  await endsInOrder(world, running, 'SIGTERM', 143);
  expect(await sleeping(world)).toBe(0);
  expect(await everything(world)).toEqual(before);
});

async function sleeping({ database }: World): Promise<number> {
  return (await database.sql`SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'`).length;
}

test('SIGTERM while the first key of a new table waits for others cancels it', async () => {
  await using world = await openWorld(SCHEMA, {
    tableConstraints: { primaryKey: { columns: ['id'] } },
  });
  const { google, database } = world;
  await google.sql(`INSERT INTO source.rows VALUES (1, 'one', NULL)`);
  google.fail({ service: 'storage', path: /alt=media/, kind: 'delay', ms: 1000 });
  const running = world.start();
  const { sql } = database;
  const staging = () => sql`SELECT relname AS name FROM pg_class WHERE relname LIKE '%staging%'`;
  while ((await staging()).length === 0) await Bun.sleep(5);
  const other = await sql.reserve();
  const [{ name } = {}] = await staging();
  await other.unsafe(`BEGIN; LOCK TABLE "${name}" IN SHARE UPDATE EXCLUSIVE MODE`);
  await untilWaiting(world);
  const ended = endsInOrder(world, running, 'SIGTERM', 143);
  const adding = () => sql`SELECT FROM pg_stat_activity WHERE query LIKE 'ALTER TABLE % ADD %KEY%'
    AND wait_event_type = 'Lock'`;
  while ((await adding()).length > 0) await Bun.sleep(5);
  await other.unsafe('ROLLBACK');
  other.release();
  await ended;
});

test('the password stands nowhere while a run is under way, nor after it', async () => {
  await using world = await openWorld();
  await using server = await startPostgres({ auth: 'scram-sha-256' });
  await using database = await server.createDatabase();
  const there = { ...world, database };
  const encoded = encodeURIComponent(SERVER_PASSWORD);
  const words = [SERVER_PASSWORD, encoded];
  slowExports(world);
  const uri = database.uri.replace('postgres@', `postgres:${encoded}@`);
  const running = world.start({ 'pg-conn': uri });
  await untilExporting(world);
  const title = readFileSync(`/proc/${running.pid}/cmdline`, 'latin1');
  const activity = await database.sql`SELECT a::text FROM pg_stat_activity a`;
  running.kill('SIGTERM');
  const { text } = await running.outcome;
  expect(title).toContain('--pg-table=target');
  expect(text).toContain('INTERRUPTED');
  const seen = [
    title,
    text,
    JSON.stringify([...activity]),
    JSON.stringify(await ledger(there)),
    JSON.stringify(await everything(there)),
    JSON.stringify(world.google.requests),
    JSON.stringify(world.google.objects(BUCKET)),
    await server.log(),
  ];
  for (const word of words) {
    for (const place of seen) expect(place).not.toContain(word);
  }
});
