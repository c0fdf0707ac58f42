import { quoteIdentifier, quoteTable } from '../postgres/quoting.ts';
import { DUPLICATE_TABLE } from '../postgres/sqlstates.ts';
import { cancellable } from './cancellable-query.ts';
import type { Handle } from './catalog.ts';
import { explainViolation, isServerError } from './constraint-violations.ts';
import type { Dependents } from './dependencies/dependents.ts';
import {
  isLockError,
  LOCK_PATIENCE_MS,
  type LockRetry,
  type LockWait,
  lockTimeout,
  retryForLocks,
  withSavepoint,
} from './lock-retry.ts';
import { WRITING_SETTINGS } from './session-settings.ts';
import { changed, requireComplete, requireUnchanged } from './swap-checks.ts';
import { lockTimeoutError, takeLocks } from './swap-locks.ts';
import type { SwapPlan } from './swap-plan.ts';
import { prepareSwap } from './swap-preparation.ts';
import type { Step, SwapValues } from './swap-step.ts';
import { swapSteps } from './swap-steps.ts';

/** How to swap, and who is told. */
export interface SwapOptions {
  /** How long to try for the locks: LOCK_PATIENCE_MS if not set. */
  readonly giveUpAfterMs?: number;
  readonly signal?: AbortSignal;
  /** Called after each try for the locks that failed. */
  readonly onWait?: (wait: LockWait) => void | Promise<void>;
  /** Called before each statement that changes something; for logs and for tests of a crash. */
  readonly onStep?: (statement: string) => void | Promise<void>;
}

/** What a swap took. */
export interface Swapped {
  /** Milliseconds from the first lock to the end of the swap; the caller's COMMIT comes on top. */
  readonly lockHeldMs: number;
  /** What took long under the lock, with its milliseconds; empty if nothing did. */
  readonly reasons: readonly string[];
}

/**
 * Puts staging in the target's place, inside the READ COMMITTED transaction that `sql` is in, which
 * the caller commits: until then nobody sees a change, and ROLLBACK leaves everything as it was.
 * The locks are taken before anything is changed, all within less than deadlock_timeout, and tried
 * for again after a pause. What depends on the target is read again under them, and after the swap
 * once more: a difference is an error (DEPENDENTS_CHANGED, SWAP_INCOMPLETE). A foreign key to
 * the target that the new rows do not satisfy is CONSTRAINT_VIOLATED.
 */
export async function swap(
  sql: Handle,
  plan: SwapPlan,
  options: SwapOptions = {},
): Promise<Swapped> {
  const { dependents } = plan;
  await requireReadCommitted(sql);
  if (dependents === undefined) return await promoteFirst(sql, plan);
  // The pauses between tries are idle, and a REFRESH takes what it takes.
  await sql.unsafe('SET LOCAL idle_in_transaction_session_timeout = 0');
  await sql.unsafe('SET LOCAL statement_timeout = 0');
  const values = await prepareSwap(sql, plan, dependents, options.onStep);
  const lockRetry: LockRetry = {
    giveUpAfterMs: options.giveUpAfterMs ?? LOCK_PATIENCE_MS,
    signal: options.signal,
    onWait: options.onWait,
  };
  try {
    return await retryForLocks(sql, lockRetry, (budgetMs) =>
      withSavepoint(sql, (inner) =>
        attempt(inner, plan, dependents, {
          budgetMs,
          values,
          onStep: options.onStep,
          signal: options.signal,
        }),
      ),
    );
  } catch (error) {
    if (isLockError(error)) throw await lockTimeoutError(sql, plan.target, error, dependents.locks);
    throw error;
  }
}

interface Attempt {
  readonly budgetMs: number;
  readonly values: SwapValues;
  readonly onStep: SwapOptions['onStep'] | undefined;
  readonly signal: AbortSignal | undefined;
}

async function attempt(
  sql: Handle,
  plan: SwapPlan,
  dependents: Dependents,
  { budgetMs, values, onStep, signal }: Attempt,
): Promise<Swapped> {
  // Without locks at first: a change is found out early, and reading again under them is quicker.
  await sql.unsafe(lockTimeout(budgetMs));
  await requireUnchanged(sql, plan.target, dependents);
  const since = performance.now();
  await takeLocks(sql, plan, dependents, budgetMs);
  await requireUnchanged(sql, plan.target, dependents);
  const steps = swapSteps(plan, dependents, values);
  const reasons = await runSteps(sql, plan, steps, { onStep, signal });
  await requireComplete(sql, plan.target, dependents, plan.added);
  return { lockHeldMs: performance.now() - since, reasons };
}

/** In an older snapshot, reading again under the locks would not see what has changed. */
async function requireReadCommitted(sql: Handle): Promise<void> {
  const [row] = await sql<{ level: string }[]>`
    SELECT current_setting('transaction_isolation') AS level`;
  if (row?.level !== 'read committed') throw new TypeError(`swap in a ${row?.level} transaction`);
}

/** Staging becomes a target that did not exist; that it still does not is up to the server. */
async function promoteFirst(sql: Handle, { staging, target }: SwapPlan): Promise<Swapped> {
  const since = performance.now();
  try {
    await sql.unsafe(
      `ALTER TABLE ${quoteTable(staging)} RENAME TO ${quoteIdentifier(target.name)}`,
    );
  } catch (error) {
    if (isServerError(error) && error.code === DUPLICATE_TABLE)
      throw changed(target, ['the table'], error);
    throw error;
  }
  return { lockHeldMs: performance.now() - since, reasons: [] };
}

/**
 * Runs the steps, and returns the reasons with their times. Those without a reason are sent without
 * waiting for the one before: the lock is not held for the network's sake.
 */
async function runSteps(
  sql: Handle,
  { target }: SwapPlan,
  steps: readonly Step[],
  { onStep, signal }: Pick<Attempt, 'onStep' | 'signal'>,
): Promise<readonly string[]> {
  const reasons: string[] = [];
  let sent = WRITING_SETTINGS.map((statement) => send(sql, statement));
  try {
    for (const { statement, reason } of steps) {
      await onStep?.(statement);
      if (reason === undefined) {
        sent.push(send(sql, statement));
        continue;
      }
      await allOrFirstFailure(sent);
      sent = [];
      const since = performance.now();
      await cancellable(sql.unsafe(statement), signal);
      reasons.push(`${reason} in ${Math.round(performance.now() - since)} ms`);
    }
    await allOrFirstFailure(sent);
  } catch (error) {
    throw explainViolation(error, target);
  }
  return reasons;
}

/** Puts a statement on the wire. Its failure is reported by allOrFirstFailure, and not twice. */
function send(sql: Handle, statement: string): Promise<unknown> {
  const answer = sql.unsafe(statement).execute();
  answer.catch(() => undefined);
  return answer;
}

/** The first failure is the cause: what was sent after it fails since the transaction has. */
async function allOrFirstFailure(sent: readonly Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(sent)) {
    if (result.status === 'rejected') throw result.reason;
  }
}
