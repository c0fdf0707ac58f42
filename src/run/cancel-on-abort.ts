import { setTimeout as sleep } from 'node:timers/promises';
import type postgres from 'postgres';

const CANCEL_EVERY_MS = 300;

/**
 * Cancels what `backend` runs once the signal is aborted, again and again until stopped: a statement
 * that waits for a lock or merges many rows knows nothing of signals. Answers the function that stops.
 */
export function cancelOnAbort(
  sql: postgres.Sql,
  backend: number,
  signal: AbortSignal,
): () => Promise<void> {
  let cancelling: Promise<unknown> = Promise.resolve();
  let timer: Timer | undefined;
  const cancel = () => {
    cancelling = sql.unsafe(`SELECT pg_cancel_backend(${backend})`).catch(() => undefined);
  };
  const onAbort = () => {
    cancel();
    timer = setInterval(cancel, CANCEL_EVERY_MS);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  return async () => {
    signal.removeEventListener('abort', onAbort);
    clearInterval(timer);
    await Promise.race([cancelling, sleep(CANCEL_EVERY_MS)]);
  };
}
