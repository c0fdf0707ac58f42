import postgres from 'postgres';
import { messageOf, ProjectorError } from '../errors.ts';
import { RETRY_LIMITS, retry } from '../retry.ts';
import { isMisdirected } from './network-errors.ts';
import { connectPool } from './pool.ts';
import { retryOn } from './server-errors.ts';
import type { SessionOpener } from './session-opener.ts';

/** Who is told that a connection is waited for, and who may end that. */
export interface Waiting {
  readonly signal: AbortSignal;
  readonly warn: (message: string) => void;
}

/**
 * Long enough for a network that is being attached (Direct VPC egress may take a minute) and for a
 * restart; short enough for a host or port that is wrong.
 */
const UNREACHABLE_MS = 120_000;

/**
 * Opens a pool of one connection, and tries again while the server may yet be reached: for two minutes where nothing
 * answers, for ten where a server does that is starting, or full. The first failure, and then one each
 * half minute, is a warning.
 */
export async function connectPatiently(
  opener: SessionOpener,
  { signal, warn }: Waiting,
): Promise<postgres.Sql> {
  const sinceMs = performance.now();
  return await retry(() => connectPool(opener, 1), {
    signal,
    isRetryable: (error) => performance.now() - sinceMs < patienceMs(error),
    onWait: (error) => warn(waitingText(error)),
  });
}

function patienceMs(error: unknown): number {
  const cause = error instanceof ProjectorError ? error.cause : error;
  if (retryOn(cause) !== 'new session' || isMisdirected(cause)) return 0;
  return cause instanceof postgres.PostgresError ? RETRY_LIMITS.patienceMs : UNREACHABLE_MS;
}

function waitingText(error: unknown): string {
  const hint = error instanceof ProjectorError ? (error.hint ?? '') : '';
  const minutes = patienceMs(error) / 60_000;
  return `${messageOf(error)}; trying again for up to ${minutes} minutes. ${hint}`;
}
