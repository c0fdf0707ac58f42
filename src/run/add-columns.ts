import type { IncrementPlan } from '../plan/plan.ts';
import type { Session } from '../postgres/pool.ts';
import { isLockError, retryForLocks } from '../swap/lock-retry.ts';
import { lockTimeoutError } from '../swap/swap-locks.ts';
import type { Context } from './context.ts';
import { inTransaction } from './locked-session.ts';

/** How long to try for the lock, in milliseconds: as long as the swap does. */
const GIVE_UP_AFTER_MS = 30 * 60_000;

/**
 * Adds the columns that are new in BigQuery, in a transaction of their own and by short tries, so that
 * readers wait for no longer than an instant. A column that stays behind from a run that then fails is
 * harmless.
 */
export async function addColumns(
  session: Session,
  context: Context,
  { addColumns: statements, target }: IncrementPlan,
): Promise<void> {
  if (statements.length === 0) return;
  const { report, signal } = context;
  const onWait = ({ tries }: { readonly tries: number }) =>
    report.info('other sessions hold the target: trying again to add columns', { tries });
  try {
    await retryForLocks(session, { giveUpAfterMs: GIVE_UP_AFTER_MS, signal, onWait }, (budgetMs) =>
      inTransaction(session, signal, async () => {
        await session.unsafe(`SET LOCAL lock_timeout = ${Math.ceil(budgetMs)}`);
        for (const statement of statements) await session.unsafe(statement);
      }),
    );
  } catch (error) {
    throw isLockError(error) ? await lockTimeoutError(session, target, error) : error;
  }
}
