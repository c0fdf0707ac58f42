import { expect, test } from 'bun:test';
import { openScene } from './fault-fixture.ts';

/** A try that lasts longer begins with fresh patience: "A try of over two minutes" in src/retry.ts. */
const LONG_TRY_MS = 125_000;

test('an increment that is cut each few minutes is given up in the end, and nothing is visible', async () => {
  await using scene = await openScene();
  await scene.recover();
  await scene.addRows(100);
  const run = scene.start();
  let tries = 0;
  const cutting = async () => {
    for (;;) {
      await scene.proxy.trap({ when: /COPY /, what: 'hold' });
      tries += 1;
      await Bun.sleep(LONG_TRY_MS);
      scene.proxy.cut();
    }
  };
  void cutting();
  const { exitCode, text } = await run.outcome;
  expect({ exitCode, tries }).toEqual({ exitCode: 1, tries: 6 });
  expect(text).toContain('CONNECTION_LOST');
  const [row] = await scene.world.database.sql`SELECT count(*) FROM target`;
  expect(row?.['count']).toBe('4000');
  scene.proxy.refuse(false);
});
