import { expect, test } from 'bun:test';
import { startSuccession } from '../server/succession.ts';
import { openScene, type Scene } from './fault-fixture.ts';

/** A scene on a primary, behind a proxy, that has a standby. */
interface Pair extends AsyncDisposable {
  readonly scene: Scene;
  /** The list of both hosts, the primary first. */
  readonly flags: { readonly 'pg-conn': string };
  /** Ends the primary as a crash does, and makes the standby one, `afterMs` later. */
  failOver(afterMs?: number): Promise<void>;
}

async function openPair(rows: number): Promise<Pair> {
  await using stack = new AsyncDisposableStack();
  const succession = stack.use(await startSuccession());
  const scene = stack.use(await openScene(rows, async () => succession));
  const { proxy, world } = scene;
  await succession.addStandby();
  const opened = stack.move();
  return {
    scene,
    flags: { 'pg-conn': succession.listHosts(proxy.through(world.database.uri)) },
    async failOver(afterMs) {
      proxy.refuse(true);
      proxy.cut();
      await succession.failOver(afterMs);
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

test('a full load goes on at the server that took over while it loaded', async () => {
  await using pair = await openPair(20_000);
  const { scene, flags } = pair;
  const snapped = scene.proxy.trap({ when: /COPY /, what: 'hold' });
  const run = scene.start(flags);
  await snapped;
  // Both are tried meanwhile: one is away, and the other is a standby still.
  await pair.failOver(3000);
  const { exitCode, text } = await run.outcome;
  expect({ exitCode, text }).toEqual({ exitCode: 0, text });
  await scene.expectRight();
});

test('an increment whose COMMIT was on its way is there once, at the server that took over', async () => {
  await using pair = await openPair(1000);
  const { scene, flags } = pair;
  expect((await scene.start(flags).outcome).exitCode).toBe(0);
  await scene.addRows(100);
  const snapped = scene.proxy.trap({ when: /^Q[\s\S]{4}COMMIT\0/, what: 'mute' });
  const run = scene.start(flags);
  await snapped;
  await pair.failOver();
  const { exitCode, text } = await run.outcome;
  expect({ exitCode, text }).toEqual({ exitCode: 0, text });
  await scene.expectRight();
});

test('a run that begins after a failover finds the new primary at once', async () => {
  await using pair = await openPair(1000);
  const { scene, flags } = pair;
  await pair.failOver();
  const { exitCode, text } = await scene.start(flags).outcome;
  expect({ exitCode, text }).toEqual({ exitCode: 0, text });
  expect(text).not.toContain('trying again');
  await scene.expectRight();
});
