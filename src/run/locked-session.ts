import { setTimeout as sleep } from 'node:timers/promises';
import type postgres from 'postgres';
import { messageOf, ProjectorError } from '../errors.ts';
import { cancelOnAbort } from '../postgres/cancel-on-abort.ts';
import type { Session } from '../postgres/pool.ts';
import { isRetryable, retryOn } from '../postgres/server-errors.ts';
import { rolledBack } from '../postgres/transactions.ts';
import type { Report } from '../report/report.ts';
import { retry } from '../retry.ts';
import { type LockRequest, lockTarget } from '../state/advisory-lock.ts';

/** The lock to take, and the check that no other run has taken over. */
export interface LockedSessionRequest extends Omit<LockRequest, 'formerBackends'> {
  /** Asked on the new session, after the lock was lost and acquired again. Throws RUN_TAKEN_OVER. */
  readonly requireOurs: (session: Session) => Promise<void>;
  /** Has the server cancel what a backend runs. */
  readonly cancel: (backend: number) => Promise<void>;
  /**
   * The pool has no other connection: it is given back between uses, lock and all, for others to use.
   * They must not be waited for from within `run`.
   */
  readonly isOnlyConnection: boolean;
}

/** A session that does not answer for so long is given up. */
const ANSWER_MS = 5000;

/**
 * The session that holds the target's lock. Whatever makes rows visible runs on it, so that a run
 * that lost its lock cannot commit.
 */
export class LockedSession {
  readonly #sql: postgres.Sql;
  readonly #request: LockedSessionRequest;
  readonly #report: Report;
  /** Backends of this run that lost their connection, and may hold the lock until they notice. */
  readonly #formerBackends = new Set<number>();
  #session: Session | undefined;
  #backend = 0;
  /** Actions that run on the session now. */
  #users = 0;

  private constructor(sql: postgres.Sql, request: LockedSessionRequest, report: Report) {
    this.#sql = sql;
    this.#request = request;
    this.#report = report;
  }

  /** Takes the lock on the session `first`, which stays the caller's where it fails. Throws TARGET_BUSY. */
  static async open(
    sql: postgres.Sql,
    first: Session,
    request: LockedSessionRequest,
    report: Report,
  ): Promise<LockedSession> {
    const locked = new LockedSession(sql, request, report);
    await locked.#lock(first);
    locked.#giveBack();
    return locked;
  }

  /**
   * Runs `action` on the session. When the connection is lost, connects and locks again, for up to
   * ten minutes, and runs it again: `action` must ask first whether it was done before. Once the lock
   * has been reacquired, the old backend is gone, so whether its transaction committed is certain.
   * What it runs is cancelled when the signal is aborted.
   */
  async run<T>(action: (session: Session) => Promise<T>): Promise<T> {
    const { signal } = this.#request;
    try {
      return await retry(() => this.#attempt(action), {
        signal,
        isRetryable: (error) => !(error instanceof PermanentError) && isRetryable(error),
        onWait: (error) => this.#report.warn(connectionWarning(error)),
      });
    } catch (error) {
      throw error instanceof PermanentError ? error.cause : error;
    }
  }

  /** Runs `action` as `run` does, or as `runOnce` after a signal: for what has to be done in any case. */
  async finish<T>(action: (session: Session) => Promise<T>): Promise<T> {
    return await (this.#request.signal.aborted ? this.runOnce(action) : this.run(action));
  }

  /**
   * Runs `action` once, if the lock has been held without a gap since it was last acquired, and
   * whatever the signal says: to finish and to clean up. Throws where the lock is lost.
   */
  async runOnce<T>(action: (session: Session) => Promise<T>): Promise<T> {
    const late = sleep(ANSWER_MS).then((): never => {
      throw lockLost();
    });
    return await Promise.race([this.#onHeldSession(action), late]);
  }

  async close(): Promise<void> {
    this.#session?.release();
    this.#session = undefined;
  }

  async #attempt<T>(action: (session: Session) => Promise<T>): Promise<T> {
    const { signal, cancel } = this.#request;
    const session = (await this.#heldSession()) ?? (await this.#reconnect());
    signal.throwIfAborted();
    const stopCancelling = cancelOnAbort(() => cancel(this.#backend), signal);
    this.#users += 1;
    try {
      return await action(session);
    } catch (error) {
      await stopCancelling();
      const lost = await this.#discardIfBroken(session);
      throw lost || retryOn(error) === 'same session' ? error : new PermanentError(error);
    } finally {
      await stopCancelling();
      this.#users -= 1;
      this.#giveBack();
    }
  }

  async #onHeldSession<T>(action: (session: Session) => Promise<T>): Promise<T> {
    const session = await this.#heldSession();
    if (session === undefined) throw lockLost();
    this.#users += 1;
    try {
      return await action(session);
    } finally {
      this.#users -= 1;
      this.#giveBack();
    }
  }

  /** The session that has the lock; undefined if it is lost. */
  async #heldSession(): Promise<Session | undefined> {
    if (this.#session !== undefined || !this.#request.isOnlyConnection) return this.#session;
    const session = await this.#sql.reserve();
    if ((await backendOf(session)) === this.#backend) {
      this.#session = session;
      return session;
    }
    session.release();
    this.#formerBackends.add(this.#backend);
    return undefined;
  }

  #giveBack(): void {
    if (!this.#request.isOnlyConnection || this.#users > 0) return;
    this.#session?.release();
    this.#session = undefined;
  }

  async #reconnect(): Promise<Session> {
    const session = await this.#sql.reserve();
    try {
      await this.#lock(session);
      await this.#request.requireOurs(session);
    } catch (error) {
      this.#session = undefined;
      await returnToPool(session);
      throw error;
    }
    this.#report.info('connected to PostgreSQL again, with the lock of the target');
    return session;
  }

  async #lock(session: Session): Promise<void> {
    const request = { ...this.#request, formerBackends: this.#formerBackends };
    this.#backend = await lockTarget(session, request);
    this.#session = session;
  }

  /** Ends the transaction; true: the session is gone, and what comes next asks for the lock again. */
  async #discardIfBroken(session: Session): Promise<boolean> {
    if (await rolledBack(session)) return false;
    this.#formerBackends.add(this.#backend);
    this.#session = undefined;
    return true;
  }
}

/** The session is alive: what failed would fail again, however retryable it looks. */
class PermanentError extends Error {
  override readonly name = 'PermanentError';

  constructor(cause: unknown) {
    super('not retryable', { cause });
  }
}

/** Warning for a lost connection, or for a transient error on a live session. */
export function connectionWarning(error: unknown): string {
  if (retryOn(error) === 'new session') {
    return `the connection to PostgreSQL was lost: ${messageOf(error)}; connecting again`;
  }
  return `PostgreSQL said: ${messageOf(error)}; trying again`;
}

/** The pid of the backend; undefined where the session is lost. */
async function backendOf(session: Session): Promise<number | undefined> {
  const asked = session.unsafe<{ pid: number }[]>('SELECT pg_backend_pid() AS pid');
  const [row] = await asked.catch(() => []);
  return row?.pid;
}

/** Releases a session into the pool, unless it is stuck: the next one to have it would be, too. */
async function returnToPool(session: Session): Promise<void> {
  const unlocked = session.unsafe('SELECT pg_advisory_unlock_all()').then(
    () => session.release(),
    () => session.release(),
  );
  await Promise.race([unlocked, sleep(ANSWER_MS)]);
}

function lockLost(): ProjectorError {
  return new ProjectorError({
    code: 'LOCK_LOST',
    message: 'the connection that held the lock of the target is lost',
    hint: 'Run the same command again: it puts right what this run left.',
  });
}
