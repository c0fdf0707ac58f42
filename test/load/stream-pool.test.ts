import { expect, test } from 'bun:test';
import type { StreamControl } from '../../src/load/stream-count.ts';
import { runStreams } from '../../src/load/stream-pool.ts';

/** A control whose number of streams the test sets. */
function steered(wanted: number): StreamControl & { wanted: number } {
  return { wanted, reason: '', observe: () => undefined };
}

/** Workers that wait until they are let go, one item after the other. */
function held() {
  const working: { readonly item: string; readonly next: string | undefined }[] = [];
  const release: ((error?: Error) => void)[] = [];
  const makeWorker = () => (item: string, next: () => string | undefined) => {
    working.push({ item, next: next() });
    return new Promise<void>((resolve, reject) => {
      release.push((error) => (error === undefined ? resolve() : reject(error)));
    });
  };
  return { working, release, makeWorker, items: () => working.map(({ item }) => item) };
}

const settled = () => Bun.sleep(1);

test('as many items are worked on as are wanted; each knows what comes next', async () => {
  const { working, release, makeWorker } = held();
  const streams = runStreams(['a', 'b', 'c'], steered(2), makeWorker, new AbortController());
  expect(working).toEqual([
    { item: 'a', next: 'b' },
    { item: 'b', next: 'c' },
  ]);
  release[1]?.();
  await settled();
  expect(working.at(-1)).toEqual({ item: 'c', next: undefined });
  release[0]?.();
  release[2]?.();
  await streams.done;
});

test('a stream is added when more are wanted, and ends after its item when fewer are', async () => {
  const { release, makeWorker, items } = held();
  const control = steered(1);
  const streams = runStreams(['a', 'b', 'c', 'd'], control, makeWorker, new AbortController());
  expect(items()).toEqual(['a']);
  control.wanted = 2;
  streams.grow();
  expect(items()).toEqual(['a', 'b']);
  control.wanted = 1;
  release[0]?.();
  await settled();
  expect(items()).toEqual(['a', 'b']);
  for (const at of [1, 2, 3]) {
    release[at]?.();
    await settled();
  }
  await streams.done;
  expect(items()).toEqual(['a', 'b', 'c', 'd']);
});

test('the first error stops the others, and is thrown when all have ended', async () => {
  const { release, makeWorker, items } = held();
  const stop = new AbortController();
  const streams = runStreams(['a', 'b', 'c'], steered(2), makeWorker, stop);
  let ended = false;
  const done = streams.done.finally(() => {
    ended = true;
  });
  done.catch(() => undefined);
  release[0]?.(new Error('first'));
  await settled();
  expect([stop.signal.aborted, ended]).toEqual([true, false]);
  release[1]?.(new Error('second'));
  await expect(done).rejects.toThrow('first');
  expect(items()).toEqual(['a', 'b']);
});

test('nothing to do is done at once', async () => {
  const streams = runStreams([], steered(2), held().makeWorker, new AbortController());
  await streams.done;
});
