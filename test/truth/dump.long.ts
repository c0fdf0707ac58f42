import { afterAll, beforeAll, expect, test } from 'bun:test';
import { openScene, type Scene } from '../faults/fault-fixture.ts';
import { BUCKET } from '../scenarios/fixture.ts';
import { sharedPostgres } from '../server/shared.ts';
import { installPgDump, type PgDump } from '../swap/pg-dump.ts';
import { expectSameRows, killAfterCommit, killWhileLoading, well } from './truth-fixture.ts';

let pgDump: PgDump;
beforeAll(() => {
  pgDump = installPgDump();
}, 300_000);
afterAll(() => pgDump[Symbol.dispose]());

/** Restores a dump of the scene's database into a new one, and runs there. */
async function runInRestored({ world }: Scene): Promise<Awaited<ReturnType<typeof well>>> {
  await using copy = await (await sharedPostgres()).createDatabase();
  pgDump.copy(world.database.uri, copy.uri);
  const outcome = await well(world.run({ 'pg-conn': copy.uri }));
  await expectSameRows({ ...world, database: copy });
  return outcome;
}

test('a database that was restored from a dump goes on from the watermark of the dump', async () => {
  await using scene = await openScene(100);
  await scene.recover();
  await scene.addRows(10);
  const { summary } = await runInRestored(scene);
  expect(summary).toMatchObject({ mode: 'incremental', rows: 10 });
  await scene.recover();
});

test('a dump of an increment between its commit and its watermark doubles no row', async () => {
  await using scene = await openScene(100);
  await scene.recover();
  await scene.addRows(10);
  await killAfterCommit(scene);
  await scene.addRows(5);
  const { summary } = await runInRestored(scene);
  expect(summary).toMatchObject({ mode: 'incremental', rows: 5 });
  await scene.recover();
});

test('what a dump tells of a full load under way is loaded anew, and left to the original', async () => {
  await using scene = await openScene();
  await killWhileLoading(scene);
  const objects = scene.world.google.objects(BUCKET);
  expect(objects).not.toEqual([]);
  const { summary } = await runInRestored(scene);
  expect(summary).toMatchObject({ mode: 'full', rows: 4000 });
  expect(scene.world.google.objects(BUCKET)).toEqual(objects);
  expect(await scene.recover()).toContain('resuming its export');
});
