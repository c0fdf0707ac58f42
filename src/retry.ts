import { setTimeout as sleep } from 'node:timers/promises';

/** How long things may take, in milliseconds. */
export interface RetryLimits {
  /**
   * A request of which nothing arrives for so long is given up. Longer than BigQuery holds the answer
   * to a long poll.
   */
  readonly answerMs: number;
  /** How long to go on trying without any success. */
  readonly patienceMs: number;
  /** The wait before the second try; doubled for each further one, up to 15 s. */
  readonly firstDelayMs: number;
  /** How often a failure that lasts is told. */
  readonly tellEveryMs: number;
}

/** What holds for BigQuery, Cloud Storage and PostgreSQL. */
export const RETRY_LIMITS: RetryLimits = {
  answerMs: 60_000,
  patienceMs: 600_000,
  firstDelayMs: 300,
  tellEveryMs: 30_000,
};

const MAX_DELAY_MS = 15_000;

/** What is tried again, and who is told. */
export interface RetryOptions {
  readonly signal: AbortSignal;
  readonly isRetryable: (error: unknown) => boolean;
  /** Called on the first 401 in a row, before the next try. */
  readonly onUnauthorized?: () => Promise<void>;
  /** Told of the first failure in a row, and then every 30 s, while it is tried again. */
  readonly onWait?: (error: unknown) => void;
  /** Other than RETRY_LIMITS: for tests. */
  readonly limits?: RetryLimits;
}

/**
 * Runs `action` until it succeeds, backing off between tries (0.3 s, doubling to 15 s, with jitter),
 * for ten minutes after the first failure in a row. What is not retryable, and an aborted signal, end
 * it at once; a success counts also after the signal.
 */
export async function retry<T>(action: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { signal, limits = RETRY_LIMITS } = options;
  let row = newRow();
  for (;;) {
    signal.throwIfAborted();
    const startedMs = performance.now();
    try {
      return await action();
    } catch (error) {
      signal.throwIfAborted();
      if (gotSomewhere(performance.now() - startedMs, limits)) row = newRow();
      await maySucceed(error, row, { ...options, limits });
      await sleep(row.delayMs * (1 + Math.random()), undefined, { signal }).catch(() => undefined);
    }
  }
}

/** A try that outlasts a request without an answer was at work: what comes next is a new row. */
function gotSomewhere(lastedMs: number, { answerMs }: RetryLimits): boolean {
  return lastedMs > 2 * answerMs;
}

/** Failures without a success between them. */
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
async function maySucceed(
  error: unknown,
  row: Row,
  { isRetryable, onUnauthorized, onWait, limits }: RetryOptions & { readonly limits: RetryLimits },
): Promise<void> {
  if ((error as { code?: unknown }).code === 401 && !row.unauthorized) {
    row.unauthorized = true;
    await onUnauthorized?.();
    return;
  }
  const nowMs = performance.now();
  if (!isRetryable(error) || nowMs - row.sinceMs > limits.patienceMs) throw error;
  if (nowMs - row.toldMs >= limits.tellEveryMs) {
    row.toldMs = nowMs;
    onWait?.(error);
  }
  row.delayMs = Math.min(MAX_DELAY_MS, Math.max(limits.firstDelayMs, row.delayMs * 2));
}
