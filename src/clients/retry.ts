import { setTimeout as sleep } from 'node:timers/promises';

export interface RetryOptions {
  readonly signal: AbortSignal;
  readonly isRetryable: (error: unknown) => boolean;
  /** Called on a 401 before the next try. */
  readonly onUnauthorized?: () => Promise<void>;
  /** Told of the first failure in a row, and then every 30 s, while it is tried again. */
  readonly onWait?: (error: unknown) => void;
}

/** How long to go on trying without any success. */
const PATIENCE_MS = 600_000;
/** A try that lasted as long got somewhere: its failure begins a new row of failures. */
const LONG_TRY_MS = 60_000;
const FIRST_DELAY_MS = 300;
const MAX_DELAY_MS = 15_000;
const TELL_EVERY_MS = 30_000;

/**
 * Runs `action` until it succeeds, backing off between tries (0.3 s, doubling to 15 s, with jitter),
 * for ten minutes after the first failure. What is not retryable, and an aborted signal, end it at
 * once.
 */
export async function retry<T>(action: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { signal } = options;
  let row = newRow();
  for (;;) {
    signal.throwIfAborted();
    const startedMs = performance.now();
    try {
      return await action();
    } catch (error) {
      signal.throwIfAborted();
      if (performance.now() - startedMs > LONG_TRY_MS) row = newRow();
      await maySucceed(error, row, options);
      await sleep(row.delayMs * (1 + Math.random()), undefined, { signal }).catch(() => undefined);
    }
  }
}

interface Row {
  readonly sinceMs: number;
  toldMs: number;
  delayMs: number;
  unauthorized: boolean;
}

function newRow(): Row {
  return { sinceMs: performance.now(), toldMs: -Infinity, delayMs: 0, unauthorized: false };
}

/** Throws the error where another try is in vain; otherwise says what there is to say. */
async function maySucceed(error: unknown, row: Row, options: RetryOptions): Promise<void> {
  if ((error as { code?: unknown }).code === 401 && !row.unauthorized) {
    row.unauthorized = true;
    await options.onUnauthorized?.();
    return;
  }
  const nowMs = performance.now();
  if (!options.isRetryable(error) || nowMs - row.sinceMs > PATIENCE_MS) throw error;
  if (nowMs - row.toldMs >= TELL_EVERY_MS) {
    row.toldMs = nowMs;
    options.onWait?.(error);
  }
  row.delayMs = Math.min(MAX_DELAY_MS, Math.max(FIRST_DELAY_MS, row.delayMs * 2));
}
