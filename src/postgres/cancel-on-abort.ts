import { setTimeout as sleep } from 'node:timers/promises';

const CANCEL_EVERY_MS = 300;

/**
 * Calls `requestCancel` once the signal is aborted, again and again until stopped: a request that comes
 * between two statements, or before the first has arrived, cancels nothing. Answers the function that
 * stops, which waits for the last request: it must not meet what is run next.
 */
export function cancelOnAbort(
  requestCancel: () => Promise<unknown>,
  signal: AbortSignal,
): () => Promise<void> {
  let cancelling: Promise<unknown> = Promise.resolve();
  let timer: Timer | undefined;
  const cancel = () => {
    cancelling = requestCancel().catch(() => undefined);
  };
  const onAbort = () => {
    cancel();
    timer = setInterval(cancel, CANCEL_EVERY_MS);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  return async () => {
    signal.removeEventListener('abort', onAbort);
    if (timer === undefined) return;
    clearInterval(timer);
    await Promise.race([cancelling, sleep(CANCEL_EVERY_MS)]);
  };
}
