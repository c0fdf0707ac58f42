import { ProjectorError } from '../errors.ts';
import { quoteTable, type TableName } from '../postgres/quoting.ts';
import type { Handle } from './catalog.ts';
import { isServerError } from './constraint-violations.ts';
import type { Dependents } from './dependencies/dependents.ts';
import { type Lock, lockStatement } from './dependencies/lock-order.ts';
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

/** LOCK_TIMEOUT, with the sessions that hold the target or a partition of it. */
export async function lockTimeoutError(
  sql: Handle,
  target: TableName,
  cause: unknown,
): Promise<ProjectorError> {
  const table = quoteTable(target);
  const holders = await sql<{ pid: number; application: string; since: string }[]>`
    SELECT DISTINCT a.pid, coalesce(a.application_name, '') AS application,
      coalesce(to_char(a.xact_start, 'YYYY-MM-DD HH24:MI:SS'), '?') AS since
    FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.granted AND (l.relation = to_regclass(${table})
      OR l.relation IN (SELECT relid FROM pg_partition_tree(to_regclass(${table})))) AND l.pid <> pg_backend_pid()`;
  const sessions = holders.map(
    ({ pid, application, since }) => `${pid} (${application || 'unnamed'}, since ${since})`,
  );
  const who = sessions.length === 0 ? 'other sessions' : `session ${sessions.join(', ')}`;
  const ends = holders.map(({ pid }) => `SELECT pg_terminate_backend(${pid});`);
  const end = ends.length === 0 ? '' : ` Or end them: ${ends.join(' ')}`;
  return new ProjectorError({
    code: 'LOCK_TIMEOUT',
    message: `${quoteTable(target)} or what depends on it is held by ${who}`,
    hint: `Run again when they have ended: it resumes with the rows that are loaded.${end}`,
    cause,
  });
}
