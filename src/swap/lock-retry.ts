import { setTimeout as pause } from 'node:timers/promises';
import { DEADLOCK_DETECTED, LOCK_NOT_AVAILABLE } from '../postgres/sqlstates.ts';
import type { Handle } from './catalog.ts';
import { isServerError } from './constraint-violations.ts';

/** How long to try for locks that others hold. */
export interface LockRetry {
  readonly giveUpAfterMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Called after each try that failed. */
  readonly onWait?: ((wait: LockWait) => void | Promise<void>) | undefined;
}

/** Tries for the locks so far. */
export interface LockWait {
  readonly tries: number;
  readonly waitedMs: number;
}

/** How long a run waits for a lock before it gives up. */
export const LOCK_PATIENCE_MS = 30 * 60_000;

/** The share of deadlock_timeout that one try may take: a reader never gets to look for a deadlock. */
const SHARE = 0.8;
const FIRST_TRY_MS = 100;
const LONGEST_PAUSE_MS = 2000;

const LOCK_ERRORS: ReadonlySet<string> = new Set([LOCK_NOT_AVAILABLE, DEADLOCK_DETECTED]);

/** Whether `error` says that a lock could not be acquired in time. */
export function isLockError(error: unknown): boolean {
  return isServerError(error) && LOCK_ERRORS.has(error.code);
}

/**
 * Runs `attempt` until it acquires its locks. Each try may wait `budgetMs` for all its locks
 * together, first short, then up to SHARE of deadlock_timeout; locks are released before the pause,
 * so that no session queues behind a lock request of ours.
 */
export async function retryForLocks<T>(
  sql: Handle,
  lockRetry: LockRetry,
  attempt: (budgetMs: number) => Promise<T>,
): Promise<T> {
  const longestMs = SHARE * (await readDeadlockTimeout(sql));
  const since = performance.now();
  for (let tries = 1; ; tries += 1) {
    lockRetry.signal?.throwIfAborted();
    try {
      return await attempt(Math.max(1, Math.min(longestMs, FIRST_TRY_MS * 2 ** (tries - 1))));
    } catch (error) {
      const waitedMs = performance.now() - since;
      if (!isLockError(error) || waitedMs > lockRetry.giveUpAfterMs) throw error;
      await lockRetry.onWait?.({ tries, waitedMs });
      await pause(Math.min(LONGEST_PAUSE_MS, 50 * 2 ** tries), undefined, {
        signal: lockRetry.signal,
      });
    }
  }
}

/** SET LOCAL lock_timeout: 0 would mean to wait without end. */
export function lockTimeout(ms: number): string {
  return `SET LOCAL lock_timeout = ${Math.max(1, Math.ceil(ms))}`;
}

/** Runs `body` so that its locks and changes are undone if it throws, and the transaction lives on. */
export async function withSavepoint<T>(sql: Handle, body: (sql: Handle) => Promise<T>): Promise<T> {
  if (hasSavepoint(sql)) return await sql.savepoint(body);
  await sql.unsafe('SAVEPOINT bqtp_swap');
  try {
    const result = await body(sql);
    await sql.unsafe('RELEASE SAVEPOINT bqtp_swap');
    return result;
  } catch (error) {
    await sql.unsafe('ROLLBACK TO SAVEPOINT bqtp_swap; RELEASE SAVEPOINT bqtp_swap');
    throw error;
  }
}

/** postgres.js ends a transaction whose query failed, even if caught, unless in its own savepoint. */
function hasSavepoint(sql: Handle): sql is Handle & {
  savepoint: <T>(body: (sql: Handle) => Promise<T>) => Promise<T>;
} {
  return 'savepoint' in sql && typeof sql.savepoint === 'function';
}

async function readDeadlockTimeout(sql: Handle): Promise<number> {
  const [row] = await sql<{ ms: number }[]>`
    SELECT setting::int AS ms FROM pg_settings WHERE name = 'deadlock_timeout'`;
  return row?.ms ?? 1000;
}
