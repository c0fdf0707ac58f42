import { expect, test } from 'bun:test';
import { openScene, type Scene } from '../faults/fault-fixture.ts';
import { SCHEMA } from '../scenarios/fixture.ts';
import { exportJobs } from '../scenarios/inspect.ts';
import {
  expectSameRows,
  killWhileLoading,
  openKilledLoad,
  sourceRows,
  targetRows,
  well,
} from './truth-fixture.ts';

const DAYS_AGO = `UPDATE sync_runs SET started_at = started_at - interval '30 days',
  exported_at = exported_at - interval '30 days'`;

/** Runs again, and expects the rows of the source and so many exports in all; gives the log. */
async function runAgain({ world, expectRight }: Scene, exports: number): Promise<string> {
  const { text } = await well(world.run());
  await expectSameRows(world);
  await expectRight();
  expect(exportJobs(world)).toHaveLength(exports);
  return text;
}

test('an export of an unchanged source is resumed at any age, and nothing follows it', async () => {
  await using scene = await openKilledLoad();
  await scene.world.database.sql.unsafe(DAYS_AGO);
  const text = await runAgain(scene, 1);
  expect(text).toContain('resuming its export, the source is as it was when it began');
  expect(text).not.toContain('loading the rows that came since');
});

test('an export of the last hours is resumed where rows were only added, and the increment follows', async () => {
  await using scene = await openKilledLoad();
  await scene.addRows(10);
  const text = await runAgain(scene, 2);
  expect(text).toContain('a few hours old at most, and rows have only been added since');
  expect(text).toContain('loading the rows that came since the resumed export');
});

const CHANGES = {
  'rows that came late': `INSERT INTO source.rows VALUES (0, 'late', TIMESTAMP '2024-01-01 00:00:30+00')`,
  'a late row without a timestamp': `INSERT INTO source.rows VALUES (0, 'late', NULL)`,
  'rows that were deleted': 'DELETE FROM source.rows WHERE id = 7',
  'rows that were written again':
    "UPDATE source.rows SET name = 'new', max_ingested_at = TIMESTAMP '2024-02-01 00:00:00+00' WHERE id = 7",
} as const;

test.each(Object.entries(CHANGES))('a recent export is made anew for %s', async (_what, change) => {
  await using scene = await openKilledLoad();
  await scene.world.google.sql(change);
  expect(await runAgain(scene, 2)).toContain('ended before committing');
});

test('an old export of a source that has moved on is made anew', async () => {
  await using scene = await openKilledLoad();
  await scene.world.database.sql.unsafe(DAYS_AGO);
  await scene.addRows(10);
  expect(await runAgain(scene, 2)).toContain('ended before committing');
});

test('the export of a table that was built anew since is made anew', async () => {
  await using scene = await openKilledLoad();
  const { google } = scene.world;
  const kept = await google.sql('SELECT * FROM source.rows WHERE id > 100 LIMIT 1');
  expect(kept).toHaveLength(1);
  await google.dropTable('source', 'rows');
  await google.createTable('source', 'rows', SCHEMA);
  await google.sql(`INSERT INTO source.rows VALUES (1, 'new', TIMESTAMP '2024-01-01 00:00:00+00')`);
  await runAgain(scene, 2);
});

test('the export of a view is made anew, also where nothing seems to have changed', async () => {
  await using scene = await openScene();
  const { google, database } = scene.world;
  await google.createTable('source', 'live', SCHEMA, {
    query: 'SELECT id, name, max_ingested_at FROM source.rows',
  });
  const flags = { 'bq-table': 'live' };
  await killWhileLoading(scene, flags);
  await google.sql(`UPDATE source.rows SET name = 'corrected' WHERE id = 1`);
  const { text } = await well(scene.world.run(flags));
  expect(text).toContain('ended before committing');
  expect(exportJobs(scene.world)).toHaveLength(2);
  expect(await targetRows(scene.world)).toEqual(await sourceRows(scene.world));
  expect([...(await database.sql`SELECT name FROM target WHERE id = 1`)]).toEqual([
    { name: 'corrected' },
  ]);
});

test('rows in the streaming buffer change no version: the export is resumed, and the increment brings them', async () => {
  await using scene = await openScene();
  const { google } = scene.world;
  const rows = google.tableName('source', 'rows');
  await google.createTable('source', 'stream', SCHEMA, {
    streamingBuffer: { estimatedRows: '5' },
  });
  await google.duckdb(`INSERT INTO ${google.tableName('source', 'stream')} SELECT * FROM ${rows}`);
  const flags = { 'bq-table': 'stream' };
  await killWhileLoading(scene, flags);
  const { text } = await well(scene.world.run(flags));
  expect(text).toContain('and rows have only been added since');
  expect(text).toContain('loading the rows that came since the resumed export');
  await expectSameRows(scene.world, 'target', 'stream');
});

test('a full load that somebody asks for meanwhile may resume the export of an unchanged source', async () => {
  await using scene = await openKilledLoad();
  const { sql } = scene.world.database;
  await sql`INSERT INTO sync_state VALUES ('target', NULL)`;
  await runAgain(scene, 1);
});
