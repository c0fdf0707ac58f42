import { setTimeout as sleep } from 'node:timers/promises';
import type { Session } from '../postgres/pool.ts';
import {
  FIRST_WORD_MS,
  HOLDER_COLUMNS,
  type LockHolder,
  NEXT_WORD_MS,
  waitingText,
} from '../swap/lock-holders.ts';
import { isLockError } from '../swap/lock-retry.ts';
import { lockTimeoutError } from '../swap/swap-locks.ts';
import type { Context } from './context.ts';

/**
 * Runs `action` on the session, and says meanwhile for whose locks it waits: pid, role, since when, and
 * by which query. A wait that lasted too long ends in LOCK_TIMEOUT.
 */
export async function watchLocks<T>(
  session: Session,
  context: Context,
  action: () => Promise<T>,
): Promise<T> {
  const [row] = await session.unsafe<{ pid: number }[]>('SELECT pg_backend_pid() AS pid');
  const stop = new AbortController();
  void tellOfBlockers(context, row?.pid ?? 0, stop.signal);
  try {
    return await action();
  } catch (error) {
    if (!isLockError(error)) throw error;
    throw await lockTimeoutError(session, context.resolved.target, error);
  } finally {
    stop.abort();
  }
}

/** Nobody waits for it: where the server does not answer, the action has to end without it. */
async function tellOfBlockers(context: Context, pid: number, stop: AbortSignal): Promise<void> {
  let silentMs = FIRST_WORD_MS;
  while (!stop.aborted) {
    await sleep(silentMs, undefined, { signal: stop }).catch(() => undefined);
    if (stop.aborted) return;
    const blockers = await readBlockers(context, pid).catch(() => []);
    if (stop.aborted) return;
    if (blockers.length > 0) context.report.warn(waitingText(blockers));
    silentMs = blockers.length === 0 ? FIRST_WORD_MS : NEXT_WORD_MS;
  }
}

/** The sessions that the backend `pid` waits for. */
async function readBlockers({ sql }: Context, pid: number): Promise<readonly LockHolder[]> {
  return await sql.unsafe<LockHolder[]>(
    `SELECT ${HOLDER_COLUMNS}
     FROM unnest(pg_blocking_pids($1)) AS blocker(pid) JOIN pg_stat_activity a USING (pid)
     ORDER BY a.xact_start`,
    [pid],
  );
}
