import { ProjectorError } from '../errors.ts';
import { quoteTable, type TableName } from '../postgres/quoting.ts';
import type { Handle } from './catalog.ts';
import { isServerError } from './constraint-violations.ts';
import type { Dependents } from './dependencies/dependents.ts';
import { type Lock, lockStatement } from './dependencies/lock-order.ts';
import { endOf, holderText, readHolders } from './lock-holders.ts';
import { lockTimeout } from './lock-retry.ts';
import { changed } from './swap-checks.ts';
import type { SwapPlan } from './swap-plan.ts';
import { stagingOf } from './temporary-names.ts';

/**
 * Takes all locks within `budgetMs`, the tables' last; then gives later ones as much again. They are
 * one message, so that the first is not held for the network's sake; the server counts down.
 */
export async function takeLocks(
  sql: Handle,
  plan: SwapPlan,
  dependents: Dependents,
  budgetMs: number,
): Promise<void> {
  const staging = dependents.tables.map(({ owner, ...table }) => ({
    ...stagingOf(plan, table),
    owner,
    kind: 'r',
    method: 'alter-owner' as const,
  }));
  const locks: readonly Lock[] = [...staging, ...dependents.locks];
  const statements = locks.flatMap((lock) => [remainingTimeout(budgetMs), lockStatement(lock)]);
  try {
    await sql.unsafe([...statements, lockTimeout(budgetMs)].join('; '));
  } catch (error) {
    // Gone, with its schema or without; another kind of thing now; or another role's.
    if (isServerError(error) && /^(?:42|3F)/.test(error.code)) {
      throw changed(plan.target, [error.message], error);
    }
    throw error;
  }
}

/** Sets lock_timeout to what is left of `budgetMs` since the message that this is a part of came in. */
function remainingTimeout(budgetMs: number): string {
  const elapsedMs = `1000 * extract(epoch FROM clock_timestamp() - statement_timestamp())`;
  return `SELECT set_config('lock_timeout', greatest(1, ceil(${budgetMs} - ${elapsedMs}))::int::text, true)`;
}

/** LOCK_TIMEOUT, with the sessions that hold the target, a partition of it, or one of `others`. */
export async function lockTimeoutError(
  sql: Handle,
  target: TableName,
  cause: unknown,
  others: readonly TableName[] = [],
): Promise<ProjectorError> {
  const holders = await readHolders(sql, [target, ...others]);
  const who = holders.length === 0 ? 'other sessions' : holders.map(holderText).join(', ');
  const end = holders.length === 0 ? '' : ` Or end them: ${holders.map(endOf).join(' ')}`;
  return new ProjectorError({
    code: 'LOCK_TIMEOUT',
    message: `${quoteTable(target)} or what depends on it is held by ${who}`,
    hint: `Run again when they have ended: it resumes with the rows that are loaded.${end}`,
    cause,
  });
}
