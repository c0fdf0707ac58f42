import { setTimeout as sleep } from 'node:timers/promises';
import type postgres from 'postgres';
import { messageOf, ProjectorError } from '../errors.ts';
import type { Session } from '../postgres/pool.ts';
import { isRetryable } from '../postgres/server-errors.ts';
import type { Report } from '../report/report.ts';
import { retry } from '../retry.ts';
import { type LockRequest, lockTarget } from '../state/advisory-lock.ts';

export type { Session };

/**
 * The session that holds the target's lock. Whatever makes rows visible runs on it, so that a run
 * that lost its lock cannot commit.
 */
export interface LockedSession {
  /**
   * Runs `action` on the session. When the connection is lost, connects and locks again, for up to
   * ten minutes, and runs it again: `action` must ask first whether it was done before. By the time
   * the lock is had again, the backend of the lost session has ended, and the answer is final. What
   * it runs is cancelled when the signal is aborted.
   */
  run<T>(action: (session: Session) => Promise<T>): Promise<T>;
  /**
   * Runs `action` once, if the lock is held without a gap since it was last had, and whatever the
   * signal says: to finish and to clean up. Throws where the lock is lost.
   */
  runOnce<T>(action: (session: Session) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Whose lock it is, and how to know that it still may be. */
export interface LockedSessionRequest extends Omit<LockRequest, 'formerBackends'> {
  /** Asked on the new session, after the lock was lost and had again. Throws RUN_TAKEN_OVER. */
  readonly requireOurs: (session: Session) => Promise<void>;
}

/** A session that does not answer for so long is given up. */
const ANSWER_MS = 5000;

/** Takes the lock on the session `first`; `wish` says whose. Throws TARGET_BUSY. */
export async function openLockedSession(
  sql: postgres.Sql,
  first: Session,
  wish: LockedSessionRequest,
  report: Report,
): Promise<LockedSession> {
  const { signal } = wish;
  const formerBackends = new Set<number>();
  let session: Session | undefined = first;
  let backend = await lockTarget(first, { ...wish, formerBackends }).catch((error) => {
    first.release();
    throw error;
  });

  async function locked(): Promise<Session> {
    if (session !== undefined) return session;
    const fresh = await sql.reserve();
    try {
      backend = await lockTarget(fresh, { ...wish, formerBackends });
      await wish.requireOurs(fresh);
    } catch (error) {
      await returnToPool(fresh);
      throw error;
    }
    report.info('connected to PostgreSQL again, with the lock of the target');
    session = fresh;
    return fresh;
  }

  /** Gives the session up if it is lost: what comes next asks for the lock anew. */
  async function discardIfBroken(current: Session): Promise<boolean> {
    if (await rolledBack(current)) return false;
    formerBackends.add(backend);
    session = undefined;
    return true;
  }

  return {
    run: (action) =>
      retry(
        async () => {
          const current = await locked();
          signal.throwIfAborted();
          const stopCancelling = cancelOnAbort(sql, backend, signal);
          try {
            return await action(current);
          } catch (error) {
            await stopCancelling();
            const lost = await discardIfBroken(current);
            throw lost || TRANSIENT.has(codeOf(error)) ? error : permanent(error);
          } finally {
            await stopCancelling();
          }
        },
        {
          signal,
          isRetryable: (error) => !(error instanceof PermanentError) && isRetryable(error),
          onWait: (error) => report.warn(connectionWarning(error)),
        },
      ).catch((error) => {
        throw error instanceof PermanentError ? error.cause : error;
      }),
    async runOnce(action) {
      if (session === undefined) throw lockLost();
      return await Promise.race([action(session), sleep(ANSWER_MS).then(() => refuse())]);
    },
    async close() {
      session?.release();
      session = undefined;
    },
  };
}

/** What is said while connections are lost and cannot be had, and of what passes on a session that lives. */
export function connectionWarning(error: unknown): string {
  if (SESSION_SURVIVES.has(codeOf(error)))
    return `PostgreSQL said: ${messageOf(error)}; trying again`;
  return `the connection to PostgreSQL was lost: ${messageOf(error)}; connecting again`;
}

/** The session is alive: what failed would fail again, however retryable it looks. */
class PermanentError extends Error {
  override readonly name = 'ForGood';
}

function permanent(cause: unknown): PermanentError {
  return new PermanentError('not retryable', { cause });
}

/** serialization_failure and deadlock_detected: the same may well succeed on the same session. */
const TRANSIENT: ReadonlySet<string> = new Set(['40001', '40P01']);

/** These, out_of_memory and lock_not_available do not end a session. */
const SESSION_SURVIVES: ReadonlySet<string> = new Set([...TRANSIENT, '53200', '55P03']);

function codeOf(error: unknown): string {
  return String((error as { code?: unknown }).code);
}

/** Ends whatever transaction there is; false: the session is lost, or as good as lost. */
export async function rolledBack(session: Session): Promise<boolean> {
  const answer = session.unsafe('ROLLBACK').then(
    () => true,
    () => false,
  );
  return await Promise.race([answer, sleep(ANSWER_MS).then(() => false)]);
}

/** Releases a session into the pool, unless it is stuck: the next one to have it would be, too. */
async function returnToPool(session: Session): Promise<void> {
  const unlocked = session.unsafe('SELECT pg_advisory_unlock_all()').then(
    () => session.release(),
    () => session.release(),
  );
  await Promise.race([unlocked, sleep(ANSWER_MS)]);
}

const CANCEL_EVERY_MS = 300;

/**
 * Cancels what `backend` runs once the signal is aborted, again and again until stopped: a statement
 * that waits for a lock or merges many rows knows nothing of signals.
 */
function cancelOnAbort(
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

function lockLost(): ProjectorError {
  return new ProjectorError({
    code: 'LOCK_LOST',
    message: 'the connection that held the lock of the target is lost',
    hint: 'Run the same command again: it puts right what this run left.',
  });
}

function refuse(): never {
  throw lockLost();
}
