import { expect, test } from 'bun:test';
import { openScene, type Scene } from './fault-fixture.ts';

/** Matches the statement `nth` of a run, as the proxy sees it: a simple query. */
function statement(nth: number): RegExp {
  let seen = 0;
  const test = (chunk: string) => {
    if (chunk[0] !== 'Q') return false;
    seen += 1;
    return seen === nth;
  };
  return Object.assign(/x/, { test });
}

/** Cuts the connection after one statement of a run after the other, whose answer nobody gets. */
async function cutEach(scene: Scene, prepare: () => Promise<unknown>): Promise<number> {
  for (let nth = 1; ; nth += 1) {
    await scene.addRows(3);
    await prepare();
    let cut = false;
    const snapped = scene.proxy.trap({ when: statement(nth), what: 'cut' });
    void snapped.then(() => {
      cut = true;
    });
    const { exitCode, text } = await scene.start().outcome;
    expect({ nth, exitCode, text }).toEqual({ nth, exitCode: 0, text });
    await scene.expectRight();
    if (!cut) return nth;
  }
}

test('a full load gets over the loss of any one answer of the server', async () => {
  await using scene = await openScene(40);
  const { sql } = scene.world.database;
  await scene.recover();
  const reset = () => sql`UPDATE sync_state SET last_synced_at = NULL`;
  expect(await cutEach(scene, reset)).toBeGreaterThan(40);
});

test('an upsert gets over the loss of any one answer of the server', async () => {
  await using scene = await openScene(40);
  await scene.recover();
  await scene.world.database.sql`ALTER TABLE target ADD PRIMARY KEY (id)`;
  expect(await cutEach(scene, async () => undefined)).toBeGreaterThan(20);
});
