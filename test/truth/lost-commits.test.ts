import { afterAll, beforeAll, expect, test } from 'bun:test';
import { openScene, type Scene } from '../faults/fault-fixture.ts';
import { APPLY } from '../faults/statements.ts';
import { leftovers, NOTHING_LEFT } from '../scenarios/inspect.ts';
import { type LosingServer, startLosingServer } from './losing-server.ts';
import { expectSameRows, marks, refused, targetRows, well } from './truth-fixture.ts';

let losing: LosingServer;
beforeAll(async () => {
  losing = await startLosingServer();
});
afterAll(() => losing[Symbol.asyncDispose]());

const openLosingScene = (rows?: number) => openScene(rows, async () => losing.server);

/** The rows of the source, and nothing else anywhere, after one more run. */
async function expectRightAfterAnother(scene: Scene): Promise<void> {
  await scene.recover();
  await expectSameRows(scene.world);
}

test('splits of a full load that the server loses are loaded again in the same run', async () => {
  await using scene = await openLosingScene();
  const { google } = scene.world;
  google.fail({
    service: 'storage',
    path: /alt=media/,
    kind: 'delay',
    ms: 1500,
    nth: 4,
    times: 99,
  });
  const snapped = scene.proxy.trap({ when: /^Q[\s\S]{4}VACUUM/, what: 'hold' });
  const run = scene.start();
  await scene.until(async () => (await marks(scene.world)) > 0);
  await losing.keep();
  const kept = await marks(scene.world);
  google.heal();
  await snapped;
  expect(kept).toBeLessThan(await marks(scene.world));
  await losing.failOver();
  scene.proxy.cut();
  const { text } = await well(run.outcome);
  expect(text).toMatch(/the server has lost \d+ rows that it had confirmed/);
  await scene.expectRight();
  await expectSameRows(scene.world);
});

test('a staging table that the server loses with all its splits is made and loaded again', async () => {
  await using scene = await openLosingScene();
  const snapped = scene.proxy.trap({ when: /^Q[\s\S]{4}VACUUM/, what: 'hold' });
  const run = await scene.startLongExport(2);
  await losing.keep();
  await snapped;
  expect(await marks(scene.world)).toBeGreaterThan(0);
  await losing.failOver();
  scene.proxy.cut();
  const { exitCode, text } = await run.outcome;
  // It may have been at a statement that cannot be repeated: then the next run does it.
  expect({ exitCode, text }).toEqual({ exitCode: text.includes('"ERROR"') ? 1 : 0, text });
  await expectRightAfterAnother(scene);
});

for (const mode of ['an increment', 'a full load'] as const) {
  /** As the last run left it, with rows that are to come. */
  async function openMode(): Promise<Scene> {
    const scene = await openLosingScene(500);
    if (mode === 'an increment') {
      await scene.recover();
      await scene.addRows(100);
    }
    return scene;
  }

  test(`a COMMIT of ${mode} that was answered, and then lost, is an error; the next run brings the rows`, async () => {
    await using scene = await openMode();
    const before = mode === 'an increment' ? await targetRows(scene.world) : [];
    const held = scene.proxy.trap({ when: /COPY /, what: 'hold' });
    const first = scene.start();
    await held;
    await losing.keep();
    scene.proxy.cut();
    const snapped = scene.proxy.trap({ when: APPLY, what: 'hold' });
    await snapped;
    await losing.failOver();
    scene.proxy.cut();
    const { hint } = await refused(first.outcome, 'COMMIT_LOST');
    expect(hint).toContain('synchronous_commit = on');
    if (mode === 'an increment') expect(await targetRows(scene.world)).toEqual(before);
    await expectRightAfterAnother(scene);
  });

  test(`all that ${mode} committed is lost after its end: the next run brings it again`, async () => {
    await using scene = await openMode();
    await losing.keep();
    await well(scene.start().outcome);
    await losing.failOver();
    await expectRightAfterAnother(scene);
  });
}

test.each(['an increment', 'a full load'])(
  'the row of %s in the ledger is lost while it exports: nothing becomes visible, and nothing is left',
  async (mode) => {
    await using scene = await openLosingScene(500);
    const { world, proxy } = scene;
    await scene.recover();
    if (mode === 'a full load')
      await world.database.sql`UPDATE sync_state SET last_synced_at = NULL`;
    const before = await targetRows(world);
    await scene.addRows(100);
    await losing.keep();
    const run = await scene.startLongExport(2);
    await losing.failOver();
    proxy.cut();
    await refused(run.outcome, 'LEDGER_CHANGED');
    expect(await targetRows(world)).toEqual(before);
    expect(await leftovers(world)).toEqual(NOTHING_LEFT);
    await expectRightAfterAnother(scene);
  },
);
