import { setTimeout as sleep } from 'node:timers/promises';
import type { Session } from './pool.ts';

/** A session that does not answer a ROLLBACK for so long is as good as lost. */
const ANSWER_MS = 5000;

/** Ends whatever transaction there is; false: the session is lost, or as good as lost. */
export async function rolledBack(session: Session): Promise<boolean> {
  const answer = session.unsafe('ROLLBACK').then(
    () => true,
    () => false,
  );
  return await Promise.race([answer, sleep(ANSWER_MS).then(() => false)]);
}

/**
 * Runs `body` between BEGIN and COMMIT; what it throws rolls back, and so does a signal that came
 * before the COMMIT.
 */
export async function inTransaction<T>(
  session: Session,
  signal: AbortSignal,
  body: () => Promise<T>,
): Promise<T> {
  await session.unsafe('BEGIN');
  try {
    const result = await body();
    signal.throwIfAborted();
    await session.unsafe('COMMIT');
    return result;
  } catch (error) {
    await rolledBack(session);
    throw error;
  }
}

/** Runs `body` on one snapshot of the database, which it only reads. */
export async function inSnapshot<T>(session: Session, body: () => Promise<T>): Promise<T> {
  await session.unsafe('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  try {
    return await body();
  } finally {
    await rolledBack(session);
  }
}
