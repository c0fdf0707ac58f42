import { describe, expect, test } from 'bun:test';
import { openScene, type Scene } from '../faults/fault-fixture.ts';
import { BUCKET } from '../scenarios/fixture.ts';
import { ledger, leftovers, NOTHING_LEFT } from '../scenarios/inspect.ts';
import { runAsSuperuser } from '../server/database.ts';
import { sharedPostgres } from '../server/shared.ts';
import {
  expectSameRows,
  killWhileLoading,
  openKilledLoad,
  untilNobodyIsConnected,
  well,
} from './truth-fixture.ts';

const LONG_AGO =
  "UPDATE sync_runs SET started_at = started_at - interval '400 days', exported_at = exported_at - interval '400 days'";

test('what a killed run left is removed however long ago that was', async () => {
  await using scene = await openKilledLoad();
  const { google, database } = scene.world;
  await database.sql.unsafe(LONG_AGO);
  await scene.addRows(1);
  expect(google.objects(BUCKET)).not.toEqual([]);
  await well(scene.world.run());
  await scene.expectRight();
});

test('what could not be removed is remembered until it can', async () => {
  await using scene = await openScene(100);
  const { google, database } = scene.world;
  google.fail({ service: 'storage', method: 'DELETE', kind: 'error', status: 403, times: 9 });
  await well(scene.start().outcome);
  expect(google.objects(BUCKET)).not.toEqual([]);
  await database.sql.unsafe(LONG_AGO);
  google.heal();
  await well(scene.world.run());
  expect(google.objects(BUCKET)).toEqual([]);
  await scene.expectRight();
});

describe('after the target was given another name,', () => {
  /** A target with a full load of it that was killed while it loaded. */
  async function openKilledReload(table: string): Promise<Scene> {
    const scene = await openScene();
    await scene.world.database.sql`CREATE SCHEMA s`;
    await well(scene.world.run({ 'pg-table': table }));
    await scene.world.database.sql`UPDATE sync_state SET last_synced_at = NULL`;
    await killWhileLoading(scene, { 'pg-table': table });
    return scene;
  }

  test.each([
    ['public.target', 'ALTER TABLE target RENAME TO renamed', 'public.renamed'],
    ['s.target', 'ALTER SCHEMA s RENAME TO other', 'other.target'],
    ['s.target', 'ALTER TABLE s.target SET SCHEMA public', 'public.target'],
  ])('%s: %s, what a killed run left is removed', async (before, rename, after) => {
    await using scene = await openKilledReload(before);
    const { world } = scene;
    await world.database.sql.unsafe(rename);
    await well(world.run({ 'pg-table': after }));
    await expectSameRows(world, after);
    expect(await leftovers(world)).toEqual(NOTHING_LEFT);
  });
});

describe('a copy of the database', () => {
  test('leaves the live run of the original alone, and loads for itself', async () => {
    await using scene = await openScene();
    const { world } = scene;
    const { google, database } = world;
    // Production's export runs on; the copy is made while no session is in the way.
    const run = await scene.startLongExport(60);
    run.kill('SIGKILL');
    await run.outcome;
    await untilNobodyIsConnected(world.database);
    const server = await sharedPostgres();
    const copy = `${database.name}_copy`;
    await runAsSuperuser(
      server,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database.name}'`,
    );
    await runAsSuperuser(server, `CREATE DATABASE ${copy} TEMPLATE ${database.name}`);
    try {
      google.settings.jobSeconds = 0;
      const uri = database.uri.replace(database.name, copy);
      await well(world.run({ 'pg-conn': uri }));
      const [job] = google.jobs().filter(({ kind }) => kind === 'EXPORT_DATA');
      expect(job?.state).toBe('RUNNING');
      await scene.recover();
      await well(world.run({ 'pg-conn': uri }));
    } finally {
      await runAsSuperuser(server, `DROP DATABASE ${copy} WITH (FORCE)`);
    }
  });
});

test('the ledger prunes itself: old rows of ended runs, and none that the next run needs', async () => {
  await using scene = await openScene(10);
  const { world } = scene;
  const { sql } = world.database;
  await well(world.run());
  const old = (id: string, status: string, cleaned: boolean, days: number) => sql`
    INSERT INTO sync_runs (run_id, table_name, target, source, status, host, pid, started_at, location, cleaned)
    VALUES (${id}, 'target', 'public.target', 'test-project.source.rows', ${status}, 'h', 1,
      now() - make_interval(days => ${days}), 'US', ${cleaned})`;
  await old('old and applied', 'applied', true, 91);
  await old('old and failed', 'failed', true, 400);
  await old('recent and failed', 'failed', true, 89);
  await old('of another table', 'failed', true, 400);
  await sql`UPDATE sync_runs SET target = 'public.other' WHERE run_id = 'of another table'`;
  await sql`UPDATE sync_runs SET started_at = started_at - interval '200 days' WHERE rows > 0`;
  const newest = (await ledger(world)).find(({ rows }) => Number(rows) > 0)?.['run_id'];
  const { summary } = await well(world.run());
  const left = (await ledger(world)).map(({ run_id }) => run_id);
  expect(left.toSorted()).toEqual(
    [newest, 'of another table', 'recent and failed', summary['runId']].map(String).sort(),
  );
  await scene.addRows(1);
  await well(world.run());
  await expectSameRows(world);
});
