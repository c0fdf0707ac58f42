import type { Storage } from '@google-cloud/storage';
import { type RetryLimits, retry } from '../retry.ts';
import { forgetToken } from './credentials.ts';
import { isRetryable } from './retryable.ts';
import { explainStorageFailure, type StorageCall, unansweredText } from './storage-errors.ts';

/** How one store tries again, and whom it warns. */
export interface StorageOptions extends RetryLimits {
  /** Called every 30 s while a failure lasts: what passes sooner is not worth a warning. */
  readonly warn: (message: string) => void;
}

/** What the calls of one caller have in common. */
export interface CallContext {
  readonly storage: Storage;
  readonly options: StorageOptions;
  readonly signal: AbortSignal;
}

/** Runs `action` until it succeeds, with backoff; after a 401 with a new token. */
export async function callWithRetry<T>(
  { storage, options, signal }: CallContext,
  call: StorageCall,
  action: () => Promise<T>,
): Promise<T> {
  let lasts = false;
  const onWait = (error: unknown) => {
    if (lasts) options.warn(`${unansweredText(error, call)}; trying again`);
    lasts = true;
  };
  const onUnauthorized = () => forgetToken(storage.authClient);
  try {
    return await retry(action, { signal, isRetryable, onUnauthorized, onWait, limits: options });
  } catch (error) {
    signal.throwIfAborted();
    throw explainStorageFailure(error, call);
  }
}
