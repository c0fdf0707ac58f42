import pRetry, { AbortError } from 'p-retry';

export interface RetryOptions {
  readonly signal: AbortSignal;
  readonly isRetryable: (error: unknown) => boolean;
  /** Called on a 401 before the next try. */
  readonly onUnauthorized?: () => Promise<void>;
}

const MAX_RETRY_MS = 600_000;

/**
 * Runs `action` until it succeeds, backing off between tries (0.3 s, doubling to 30 s, with jitter),
 * for ten minutes at most. What is not retryable, and an aborted signal, end it at once.
 */
export async function retry<T>(action: () => Promise<T>, options: RetryOptions): Promise<T> {
  let unauthorized = false;
  return await pRetry(
    () => {
      options.signal.throwIfAborted();
      return action();
    },
    {
      retries: 50,
      minTimeout: 300,
      maxTimeout: 30_000,
      maxRetryTime: MAX_RETRY_MS,
      randomize: true,
      signal: options.signal,
      shouldRetry: async ({ error }) => {
        if ((error as { code?: unknown }).code === 401 && !unauthorized) {
          unauthorized = true;
          await options.onUnauthorized?.();
          return true;
        }
        return options.isRetryable(error);
      },
    },
  );
}

export { AbortError };
