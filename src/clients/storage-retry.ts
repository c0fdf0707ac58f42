import type { Storage } from '@google-cloud/storage';
import pRetry from 'p-retry';
import { statusOf } from './bigquery-errors.ts';
import {
  explainStorageFailure,
  mayRetry,
  StalledBody,
  type StorageCall,
} from './storage-errors.ts';

export interface StorageLimits {
  /** An answer of which no byte arrives for so long is given up. */
  readonly stallMs: number;
  /** How long to go on trying without any progress. */
  readonly patienceMs: number;
  /** The wait before the second try; doubled for each further one, up to 30 s. */
  readonly firstDelayMs: number;
}

export const DEFAULT_LIMITS: StorageLimits = {
  stallMs: 60_000,
  patienceMs: 600_000,
  firstDelayMs: 300,
};

const MAX_DELAY_MS = 30_000;
/** A token that was just fetched and is refused twice will be refused again. */
const MAX_UNAUTHORIZED = 2;

export interface Retrying {
  readonly storage: Storage;
  readonly limits: StorageLimits;
  readonly signal: AbortSignal;
}

/** Runs `action` until it succeeds, with backoff; after a 401 with a new token. */
export async function persist<T>(
  { storage, limits, signal }: Retrying,
  call: StorageCall,
  action: () => Promise<T>,
): Promise<T> {
  let unauthorized = 0;
  try {
    return await pRetry(action, {
      signal,
      retries: Number.POSITIVE_INFINITY,
      minTimeout: limits.firstDelayMs,
      maxTimeout: MAX_DELAY_MS,
      maxRetryTime: limits.patienceMs,
      randomize: true,
      shouldRetry: async ({ error }) => {
        if (statusOf(error) !== 401) return mayRetry(error);
        await forgetToken(storage);
        return ++unauthorized <= MAX_UNAUTHORIZED;
      },
    });
  } catch (error) {
    signal.throwIfAborted();
    throw explainStorageFailure(error, call);
  }
}

/**
 * `promise`, unless the signal aborts or `stallMs` pass first: the client's calls know no signal. What
 * it goes on doing then is nobody's concern any more.
 */
export async function within<T>(promise: Promise<T>, limits: StorageLimits, signal: AbortSignal) {
  signal.throwIfAborted();
  promise.catch(() => undefined);
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  const onStall = () => reject(new StalledBody(`no answer for ${limits.stallMs / 1000} s`));
  signal.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(onStall, limits.stallMs);
  try {
    return await Promise.race([promise, ended]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

/** Keeps the refresh token: without it the library has nothing to ask for a new one with. */
async function forgetToken(storage: Storage): Promise<void> {
  const client = await storage.authClient.getClient();
  client.setCredentials({ ...client.credentials, access_token: null, expiry_date: 1 });
}
