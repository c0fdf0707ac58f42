import type postgres from 'postgres';
import { isRetryable } from './clients/postgres.ts';
import { retry } from './clients/retry.ts';
import type { Report } from './report/report.ts';
import { type LockWish, lockTarget } from './state/lock.ts';

export type Session = postgres.ReservedSql;

/**
 * The session that holds the target's lock. Whatever makes rows visible runs on it, so that a run
 * that lost its lock cannot commit.
 */
export interface Control {
  /**
   * Runs `action` on the session. When the connection is lost, connects and locks again, for up to
   * ten minutes, and runs it again: `action` must ask first whether it was done before. By the time
   * the lock is had again, the backend of the lost session has ended, and the answer is final.
   */
  run<T>(action: (session: Session) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Reserves a session of the pool and takes the lock; `wish` says whose. Throws TARGET_BUSY. */
export async function openControl(
  sql: postgres.Sql,
  first: Session,
  wish: Omit<LockWish, 'formerBackends'>,
  report: Report,
): Promise<Control> {
  const formerBackends = new Set<number>();
  let session: Session | undefined = first;
  let backend = await lockTarget(first, { ...wish, formerBackends });

  async function locked(): Promise<Session> {
    if (session !== undefined) return session;
    const fresh = await sql.reserve();
    try {
      backend = await lockTarget(fresh, { ...wish, formerBackends });
    } catch (error) {
      fresh.release();
      throw error;
    }
    session = fresh;
    return fresh;
  }

  function lose(error: Error): void {
    report.warn(`the connection to PostgreSQL was lost: ${error.message}; connecting again`);
    formerBackends.add(backend);
    session?.release();
    session = undefined;
  }

  return {
    run: (action) =>
      retry(
        async () => {
          const current = await locked();
          try {
            return await action(current);
          } catch (error) {
            if (isRetryable(error)) lose(error as Error);
            throw error;
          }
        },
        { signal: wish.signal, isRetryable },
      ),
    async close() {
      session?.release();
      session = undefined;
    },
  };
}
