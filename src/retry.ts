import { setTimeout as sleep } from 'node:timers/promises';

/** How long things may take, in milliseconds. */
export interface RetryLimits {
  /**
   * A request of which nothing arrives for so long is given up. Longer than BigQuery holds the answer
   * to a long poll.
   */
  readonly answerMs: number;
  /** How long to keep trying without any success. */
  readonly patienceMs: number;
  /** How many tries that took long may come to nothing. */
  readonly longTries: number;
  /** The wait before the second try; doubled for each further one, up to 15 s. */
  readonly firstDelayMs: number;
  /** How often a failure that lasts is reported. */
  readonly reportEveryMs: number;
}

/** What holds for BigQuery, Cloud Storage and PostgreSQL. */
export const RETRY_LIMITS: RetryLimits = {
  answerMs: 60_000,
  patienceMs: 600_000,
  longTries: 5,
  firstDelayMs: 300,
  reportEveryMs: 30_000,
};

const MAX_DELAY_MS = 15_000;

/** What to retry, and whom to report it to. */
export interface RetryOptions {
  readonly signal: AbortSignal;
  readonly isRetryable: (error: unknown) => boolean;
  /** Called on the first 401 in a row, before the next try. */
  readonly onUnauthorized?: () => Promise<void>;
  /** Called on the first failure in a row, and then every 30 s while it is retried. */
  readonly onWait?: (error: unknown) => void;
  /** Other than RETRY_LIMITS: for tests. */
  readonly limits?: RetryLimits;
}

/**
 * Runs `action` until it succeeds, backing off between tries (0.3 s, doubling to 15 s, with jitter),
 * for ten minutes after the first failure in a row. A try of over two minutes was at work: the ten
 * minutes begin anew after it, for the first five such tries. What is not retryable, and an aborted
 * signal, end it at once; a success counts also after the signal.
 */
export async function retry<T>(action: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { signal, limits = RETRY_LIMITS } = options;
  let failures = new FailureStreak(limits);
  let longTries = 0;
  for (;;) {
    signal.throwIfAborted();
    const startedMs = performance.now();
    try {
      return await action();
    } catch (error) {
      signal.throwIfAborted();
      if (performance.now() - startedMs > 2 * limits.answerMs) {
        longTries += 1;
        if (longTries > limits.longTries) throw error;
        failures = new FailureStreak(limits);
      }
      const delayMs = await failures.delayAfter(error, options);
      await sleep(delayMs * (1 + Math.random()), undefined, { signal }).catch(() => undefined);
    }
  }
}

/** Failures without a success between them. */
class FailureStreak {
  readonly #limits: RetryLimits;
  readonly #sinceMs = performance.now();
  #reportedMs = -Infinity;
  #delayMs = 0;
  #unauthorized = false;

  constructor(limits: RetryLimits) {
    this.#limits = limits;
  }

  /** How long to wait before the next try; throws the error where another try is in vain. */
  async delayAfter(error: unknown, options: RetryOptions): Promise<number> {
    if ((error as { code?: unknown }).code === 401 && !this.#unauthorized) {
      this.#unauthorized = true;
      await options.onUnauthorized?.();
      return this.#delayMs;
    }
    const nowMs = performance.now();
    const { patienceMs, firstDelayMs, reportEveryMs } = this.#limits;
    if (!options.isRetryable(error) || nowMs - this.#sinceMs > patienceMs) throw error;
    if (nowMs - this.#reportedMs >= reportEveryMs) {
      this.#reportedMs = nowMs;
      options.onWait?.(error);
    }
    this.#delayMs = Math.min(MAX_DELAY_MS, Math.max(firstDelayMs, this.#delayMs * 2));
    return this.#delayMs;
  }
}
