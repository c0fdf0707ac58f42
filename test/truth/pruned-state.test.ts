import { describe, expect, test } from 'bun:test';
import { openScene } from '../faults/fault-fixture.ts';
import { COMMIT, SPLIT_COMMIT } from '../faults/statements.ts';
import { openLoadedWorld } from '../scenarios/fixture.ts';
import { leftovers, NOTHING_LEFT } from '../scenarios/inspect.ts';
import {
  addRows,
  expectSameRows,
  killAfterCommit,
  marks,
  openKilledLoad,
  refused,
  targetRows,
  well,
  whileAskedToExport,
} from './truth-fixture.ts';

const PRUNES = ['TRUNCATE sync_splits', 'TRUNCATE sync_runs', 'TRUNCATE sync_splits, sync_runs'];

test.each(PRUNES)('%s after a full load was killed doubles no row', async (prune) => {
  await using scene = await openKilledLoad();
  await scene.world.database.sql.unsafe(prune);
  await well(scene.world.run());
  await expectSameRows(scene.world);
});

test.each(['sync_state', 'sync_runs', 'sync_splits'])(
  'a state table that was dropped, %s, is there again by the next runs, which bring every row once',
  async (table) => {
    await using world = await openLoadedWorld();
    const { sql } = world.database;
    await sql.unsafe(`DROP TABLE ${table}`);
    await addRows(world, [60, 'sixty', 3]);
    await well(world.run());
    await expectSameRows(world);
    await sql`UPDATE sync_state SET last_synced_at = NULL`;
    await well(world.run());
    await expectSameRows(world);
  },
);

test('a mark that is taken away after a full load was killed, and its rows not, doubles no row', async () => {
  await using scene = await openKilledLoad();
  const { sql } = scene.world.database;
  await sql`DELETE FROM sync_splits WHERE split = (SELECT min(split) FROM sync_splits)`;
  const { text } = await well(scene.world.run());
  expect(text).toContain('ended before committing');
  await expectSameRows(scene.world);
  await scene.expectRight();
});

describe('while a run exports,', () => {
  test.each([
    ['an increment', 'TRUNCATE sync_runs'],
    ['an increment', "DELETE FROM sync_runs WHERE status <> 'applied'"],
    ['a full load', 'TRUNCATE sync_runs'],
    ['an increment', 'DROP TABLE sync_runs'],
    ['an increment', 'DROP TABLE sync_state, sync_runs, sync_splits'],
    ['a full load', 'DROP TABLE sync_splits'],
    ['a full load', 'DROP TABLE sync_state, sync_runs, sync_splits'],
  ])('%s ends with nothing visible and nothing left: %s', async (mode, prune) => {
    await using world = await openLoadedWorld();
    const { sql } = world.database;
    if (mode === 'a full load') await sql`UPDATE sync_state SET last_synced_at = NULL`;
    const before = await targetRows(world);
    const outcome = whileAskedToExport(world, () => sql.unsafe(prune));
    const { message } = await refused(outcome, 'LEDGER_CHANGED');
    expect(message).toContain('is gone');
    expect(await targetRows(world)).toEqual(before);
    expect(await leftovers(world)).toEqual(NOTHING_LEFT);
    await well(world.run());
    await expectSameRows(world);
  });
});

describe('right before the swap,', () => {
  test.each([
    ['TRUNCATE sync_splits', 'STATE_CHANGED'],
    ['DELETE FROM sync_splits WHERE split = (SELECT min(split) FROM sync_splits)', 'STATE_CHANGED'],
    ['TRUNCATE sync_runs', 'LEDGER_CHANGED'],
    ['DROP TABLE sync_splits', 'LEDGER_CHANGED'],
    ['DROP TABLE sync_runs', 'LEDGER_CHANGED'],
  ])('%s ends a full load with %s, and leaves nothing', async (prune, code) => {
    await using scene = await openScene();
    const { world, proxy } = scene;
    const snapped = proxy.trap({ when: /^Q[\s\S]{4}VACUUM/, what: 'hold' });
    const run = scene.start();
    await snapped;
    await world.database.sql.unsafe(prune);
    proxy.cut();
    await refused(run.outcome, code);
    expect(await leftovers(world)).toEqual(NOTHING_LEFT);
    await well(world.run());
    await expectSameRows(world);
    await scene.expectRight();
  });
});

describe('between the commit of an increment and its watermark, when the run is dead,', () => {
  test.each([
    'TRUNCATE sync_runs',
    'TRUNCATE sync_runs, sync_splits',
    "DELETE FROM sync_runs WHERE status = 'committed'",
  ])('%s: the rows are not brought twice, and the way out is told', async (prune) => {
    await using scene = await openScene(100);
    await scene.recover();
    await scene.addRows(50);
    await killAfterCommit(scene);
    const { sql } = scene.world.database;
    await sql.unsafe(prune);
    await scene.addRows(5);
    const before = await targetRows(scene.world);
    const error = await refused(scene.world.run(), 'ROWS_AFTER_WATERMARK');
    expect(await targetRows(scene.world)).toEqual(before);
    await sql.unsafe(String(error['hint']).split('there: ')[1] ?? '');
    await well(scene.world.run());
    await expectSameRows(scene.world);
  });
});

test('a commit without an answer, whose row in the ledger is taken away meanwhile, is not made twice', async () => {
  await using scene = await openScene(100);
  await scene.recover();
  await scene.addRows(50);
  const { world, proxy } = scene;
  const { sql } = world.database;
  const snapped = proxy.trap({ when: COMMIT, what: 'mute' });
  const run = scene.start();
  await snapped;
  await scene.until(async () => (await scene.status()) === 'committed');
  await sql`TRUNCATE sync_runs`;
  proxy.cut();
  await refused(run.outcome, 'LEDGER_CHANGED');
  // The rows are there once; the next run does not bring them again.
  await expectSameRows(world);
  await refused(world.run(), 'ROWS_AFTER_WATERMARK');
  await expectSameRows(world);
});

test('a mark that is taken away while the COMMIT of its split gets no answer doubles no row', async () => {
  await using scene = await openScene();
  const { world, proxy } = scene;
  const snapped = proxy.trap({ when: SPLIT_COMMIT, what: 'mute' });
  const run = scene.start();
  await snapped;
  await scene.until(async () => (await marks(world)) > 0);
  await world.database.sql`TRUNCATE sync_splits`;
  proxy.cut();
  await refused(run.outcome, 'STATE_CHANGED');
  expect(await leftovers(world)).toEqual(NOTHING_LEFT);
  await scene.recover();
});
