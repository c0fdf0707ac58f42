import { expect, test } from 'bun:test';
import { openScene } from '../faults/fault-fixture.ts';
import { openLoadedWorld, openWorld, SCHEMA } from '../scenarios/fixture.ts';
import { watermarks } from '../scenarios/inspect.ts';
import {
  addRows,
  expectSameRows,
  killAfterCommit,
  refused,
  sourceRows,
  statementOf,
  targetRows,
  well,
  whileAskedToExport,
} from './truth-fixture.ts';

test('every spelling of a target has the one watermark, in the spelling that was first', async () => {
  await using world = await openLoadedWorld();
  for (const [day, spelling] of [
    'public.target',
    '"target"',
    'TARGET',
    'Public."target"',
  ].entries()) {
    const { summary } = await well(world.run({ 'pg-table': spelling }));
    expect(summary).toMatchObject({ mode: 'incremental', rows: 1 });
    await expectSameRows(world);
    await addRows(world, [10 + day, spelling.replaceAll('"', ''), 10 + day]);
  }
  expect(await watermarks(world)).toEqual(['(target,"2024-01-12 00:00:00")']);
});

test('two watermarks of one target, as an older version left them, are refused with what mends it', async () => {
  await using world = await openLoadedWorld();
  const { sql } = world.database;
  await sql`INSERT INTO sync_state VALUES ('public.target', '2023-01-01')`;
  const before = await targetRows(world);
  const error = await refused(world.run(), 'TWO_WATERMARKS');
  expect(error.message).toContain("'target' (2024-01-01 00:00:00.000000)");
  expect(error.message).toContain("'public.target' (2023-01-01 00:00:00.000000)");
  expect(await targetRows(world)).toEqual(before);
  for (const verb of ['DELETE', 'UPDATE']) await sql.unsafe(statementOf(error, verb));
  expect((await well(world.run())).summary).toMatchObject({ mode: 'full' });
  await expectSameRows(world);
});

for (const way of ['a full load', 'the same data under a new name'] as const) {
  test(`another source is refused before any job, naming both; the way out: ${way}`, async () => {
    await using world = await openLoadedWorld();
    const { google, database } = world;
    await google.createTable('source', 'prod', SCHEMA);
    await google.sql(`INSERT INTO source.prod VALUES (8, 'old', TIMESTAMP '2020-01-01 00:00:00+00'),
      (9, 'new', TIMESTAMP '2024-06-01 00:00:00+00')`);
    const before = await targetRows(world);
    const jobs = google.jobs().length;
    const prod = { 'bq-table': 'prod' };
    const error = await refused(world.run(prod), 'OTHER_SOURCE');
    expect(error.message).toContain('holds the rows of test-project.source.rows');
    expect(error.message).toContain('this run reads test-project.source.prod');
    expect(google.jobs()).toHaveLength(jobs);
    expect(await targetRows(world)).toEqual(before);
    const isFull = way === 'a full load';
    await database.sql.unsafe(
      statementOf(error, isFull ? 'UPDATE "public"."sync_state"' : 'UPDATE "public"."sync_runs"'),
    );
    const { summary } = await well(world.run(prod));
    expect(summary).toMatchObject({ mode: isFull ? 'full' : 'incremental' });
    if (isFull) await expectSameRows(world, 'target', 'prod');
    else expect(await targetRows(world)).toEqual([...before, '9 new 1717200000000000'].sort());
  });
}

test('a dataset with and without its project is the same source', async () => {
  await using world = await openLoadedWorld();
  await well(world.run({ 'bq-dataset': 'test-project.source' }));
  await expectSameRows(world);
  await addRows(world, [3, 'three', 3]);
  await well(world.run({ 'bq-dataset': 'source' }));
  await expectSameRows(world);
});

const RESETS = [
  'UPDATE sync_state SET last_synced_at = NULL',
  'DELETE FROM sync_state',
  'TRUNCATE sync_state',
] as const;

test.each(RESETS)('%s during an increment stays, and the full load comes', async (reset) => {
  await using world = await openLoadedWorld();
  const { google, database } = world;
  await google.sql(`UPDATE source.rows SET name = 'corrected' WHERE id = 1`);
  const outcome = whileAskedToExport(world, () => database.sql.unsafe(reset));
  const { warnings, summary } = await well(outcome);
  expect(summary).toMatchObject({ mode: 'incremental', rows: 1 });
  expect(warnings).toEqual([
    'the watermark of target was changed during this run: it is left as it is, and the next run goes by it',
  ]);
  expect((await well(world.run())).summary).toMatchObject({ mode: 'full', rows: 2 });
  await expectSameRows(world);
});

test.each(RESETS)('%s during a full load that a reset had asked for stays, too', async (reset) => {
  await using world = await openLoadedWorld();
  const { google, database } = world;
  await database.sql.unsafe(RESETS[0]);
  const run = whileAskedToExport(world, async () => {
    await database.sql.unsafe(reset);
    // Committed after the export began: only the full load that was asked for can bring it.
    google.fail({ service: 'storage', path: /alt=media/, kind: 'delay', ms: 1000 });
  });
  const { warnings } = await well(run);
  expect(warnings).toEqual([expect.stringContaining('was changed during this run')]);
  await google.sql(`UPDATE source.rows SET name = 'corrected' WHERE id = 1`);
  expect((await well(world.run())).summary).toMatchObject({ mode: 'full', rows: 2 });
  await expectSameRows(world);
});

test.each(['an increment', 'a full load'])(
  'a reset whose transaction stays open holds up neither %s nor its readers',
  async (kind) => {
    await using world = await openLoadedWorld();
    const { sql } = world.database;
    if (kind === 'a full load') await sql.unsafe(RESETS[0]);
    const writer = await sql.reserve();
    const run = whileAskedToExport(world, () => writer.unsafe(`BEGIN; ${RESETS[0]}`));
    const { warnings } = await well(run);
    expect(warnings).toEqual([expect.stringContaining('was changed during this run')]);
    await expectSameRows(world);
    await writer.unsafe('COMMIT');
    writer.release();
    expect((await well(world.run())).summary).toMatchObject({ mode: 'full', rows: 2 });
  },
);

test.each(['an increment', 'a full load'])(
  'a watermark that is set during %s ends it with nothing visible, and the next run goes by it',
  async (kind) => {
    await using world = await openLoadedWorld();
    const { database } = world;
    if (kind === 'a full load') await database.sql`DELETE FROM sync_state`;
    const before = await targetRows(world);
    const set = () =>
      database.sql`INSERT INTO sync_state VALUES ('target', '2024-01-01 12:00')
        ON CONFLICT (table_name) DO UPDATE SET last_synced_at = EXCLUDED.last_synced_at`;
    const { message } = await refused(whileAskedToExport(world, set), 'WATERMARK_CHANGED');
    expect(message).toContain('and is 2024-01-01 12:00:00.000000 now');
    expect(await targetRows(world)).toEqual(before);
    expect((await well(world.run())).summary).toMatchObject({ mode: 'incremental', rows: 1 });
    await expectSameRows(world);
  },
);

test('a watermark that no run has set, with later rows in the target, is refused with both ways out', async () => {
  await using world = await openLoadedWorld();
  const { sql } = world.database;
  await well(world.run());
  await sql`UPDATE sync_state SET last_synced_at = '2023-12-31'`;
  const before = await targetRows(world);
  const error = await refused(world.run(), 'ROWS_AFTER_WATERMARK');
  expect(await targetRows(world)).toEqual(before);
  await sql.unsafe(String(error['hint']).split('there: ')[1] ?? '');
  await addRows(world, [3, 'three', 3]);
  expect((await well(world.run())).summary).toMatchObject({ mode: 'incremental', rows: 1 });
  await expectSameRows(world);
  await sql`UPDATE sync_state SET last_synced_at = '2023-12-31'`;
  await sql.unsafe(statementOf(await refused(world.run(), 'ROWS_AFTER_WATERMARK'), 'UPDATE'));
  expect((await well(world.run())).summary).toMatchObject({ mode: 'full' });
  await expectSameRows(world);
});

test('a watermark that is set back to one of an earlier run is refused as any other', async () => {
  await using world = await openLoadedWorld();
  await well(world.run());
  await world.database.sql`UPDATE sync_state SET last_synced_at =
    (SELECT watermark FROM sync_runs WHERE mode = 'full')`;
  const before = await targetRows(world);
  await refused(world.run(), 'ROWS_AFTER_WATERMARK');
  expect(await targetRows(world)).toEqual(before);
});

test.each(RESETS)(
  '%s after a full load was killed between its commit and its watermark asks for another one',
  async (reset) => {
    await using scene = await openScene(10);
    const { world } = scene;
    await killAfterCommit(scene);
    await world.database.sql.unsafe(reset);
    await world.google.sql(`UPDATE source.rows SET name = 'corrected' WHERE id = 1`);
    const { summary, text } = await well(world.run());
    expect(text).toContain('the watermark was changed since run');
    expect(summary).toMatchObject({ mode: 'full', rows: 10 });
    await expectSameRows(world);
    await scene.expectRight();
  },
);

/** `--pg-conn` with another search_path. */
const withPath = (uri: string, path: string) =>
  `${uri}?options=${encodeURIComponent(`-c search_path=${path}`)}`;

test('whatever the search_path, a target has one state', async () => {
  await using world = await openWorld();
  const { database } = world;
  await database.sql.unsafe('CREATE SCHEMA a; CREATE SCHEMA b');
  await addRows(world, [1, 'one', 1]);
  for (const [day, path] of ['a', 'b', 'b,a', 'public'].entries()) {
    const flags = { 'pg-conn': withPath(database.uri, path), 'pg-table': 'public.target' };
    await well(world.run(flags));
    await expectSameRows(world);
    await addRows(world, [10 + day, path.replace(',', ''), 10 + day]);
  }
  const states = await database.sql`SELECT relnamespace::regnamespace::text AS schema
    FROM pg_class WHERE relname = 'sync_state'`;
  expect([...states]).toEqual([{ schema: 'a' }]);
});

test('a bare name that meant another table before is refused, and goes on with its schema', async () => {
  await using world = await openWorld();
  const { database } = world;
  await database.sql.unsafe(`CREATE SCHEMA a; CREATE SCHEMA b;
    CREATE TABLE b.target (id bigint, name text, max_ingested_at timestamptz);
    INSERT INTO b.target VALUES (7, 'seven', '2023-01-01 00:00:00+00')`);
  await addRows(world, [1, 'one', 1]);
  await well(world.run({ 'pg-conn': withPath(database.uri, 'a') }));
  await addRows(world, [2, 'two', 2]);
  const flags = { 'pg-conn': withPath(database.uri, 'b,a') };
  const error = await refused(world.run(flags), 'OTHER_TABLE');
  expect(error.message).toContain('is "b"."target" by this search_path, and was a.target');
  expect(await targetRows(world, 'b.target')).toEqual(['7 seven 1672531200000000']);
  await well(world.run({ ...flags, 'pg-table': 'a.target' }));
  await expectSameRows(world, 'a.target');
  expect((await well(world.run({ ...flags, 'pg-table': 'b.target' }))).summary).toMatchObject({
    mode: 'full',
  });
  await expectSameRows(world, 'b.target');
  expect(await sourceRows(world)).toHaveLength(2);
});
