import type { StreamControl } from './stream-count.ts';

/** Does one item after the other; each stream has its own. `next` gives what no stream has begun yet. */
export type Worker<Item> = (item: Item, next: () => Item | undefined) => Promise<void>;

/**
 * Works through `items` by as many streams at once as `control` wants; `grow` is to be called when
 * that may have changed. A stream that is no longer wanted ends after its item. The first error
 * stops the others through `stop`, and is thrown when all have ended.
 */
export function runStreams<Item>(
  items: readonly Item[],
  control: StreamControl,
  makeWorker: () => Worker<Item>,
  stop: AbortController,
): { readonly grow: () => void; readonly done: Promise<void> } {
  const queue = [...items];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let running = 0;
  let failure: { readonly error: unknown } | undefined;

  async function stream(): Promise<void> {
    const work = makeWorker();
    while (running <= control.wanted && failure === undefined) {
      const item = queue.shift();
      if (item === undefined) return;
      await work(item, () => queue[0]);
    }
  }

  function fail(error: unknown): void {
    failure ??= { error };
    stop.abort(error);
  }

  function grow(): void {
    while (running < control.wanted && queue.length > 0 && failure === undefined) {
      running += 1;
      void stream().catch(fail).finally(end);
    }
    if (running > 0) return;
    if (failure === undefined) resolve();
    else reject(failure.error);
  }

  function end(): void {
    running -= 1;
    grow();
  }

  grow();
  return { grow, done: promise };
}
