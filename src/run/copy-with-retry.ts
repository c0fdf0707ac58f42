import { type CopyJob, copySplits, type LoadedSplit } from '../load/copy-splits.ts';
import type { FullLoadPlan } from '../plan/plan.ts';
import type { Session } from '../postgres/pool.ts';
import { isPassing } from '../postgres/server-errors.ts';
import { UNIQUE_VIOLATION } from '../postgres/sqlstates.ts';
import { rolledBack } from '../postgres/transactions.ts';
import { retry } from '../retry.ts';
import { readLoadedSplits, recordSplits } from '../state/loaded-splits.ts';
import { rowsOf } from './check-loaded.ts';
import type { Context } from './context.ts';
import { connectionWarning } from './locked-session.ts';
import { explainCopyError } from './row-errors/explain.ts';

/**
 * Loads a group of splits, retrying until it is committed: a lost connection costs only what it had in
 * flight. Each try is a transaction of its own, and the splits' marks keep them from being loaded
 * twice. Answers what each split brought: the same, whichever of the tries brought it. `onRetry` is told
 * of a try that failed, and may have been committed all the same.
 */
export async function loadGroup(
  context: Context,
  plan: FullLoadPlan,
  job: CopyJob,
  onRetry: () => void,
): Promise<readonly LoadedSplit[]> {
  return await retry(
    async () => {
      const session = await context.sql.reserve();
      let usable = true;
      try {
        return await tryOnce(context, plan, job, session);
      } catch (error) {
        onRetry();
        // A failed transaction must not come back with the connection, nor a stuck one at all.
        usable = await rolledBack(session);
        throw error;
      } finally {
        if (usable) session.release();
      }
    },
    {
      signal: job.signal,
      isRetryable: (error) => isPassing(error) || loadedElsewhere(error),
      onWait: (error) => context.report.warn(connectionWarning(error)),
    },
  );
}

async function tryOnce(
  { resolved }: Context,
  plan: FullLoadPlan,
  job: CopyJob,
  session: Session,
): Promise<readonly LoadedSplit[]> {
  const { tables } = resolved;
  const { objectPrefix } = plan.artifacts;
  const ids = job.splits.map(({ id }) => id);
  const marks = await readLoadedSplits(session, tables, objectPrefix, ids);
  const before = job.splits.flatMap((split) => {
    const stats = marks.get(split.id);
    return stats === undefined ? [] : [{ split, ...stats }];
  });
  const splits = job.splits.filter(({ id }) => !marks.has(id));
  if (splits.length === 0) return before;
  await session.unsafe('BEGIN');
  const part = { ...job, splits };
  const copied = await copySplits(session, part).catch(explainCopyError(plan, part));
  const decoded = rowsOf(copied.splits);
  if (decoded !== copied.rows) throw new Error(`COPY took ${copied.rows} of ${decoded} rows`);
  const recorded = new Map(copied.splits.map(({ split, ...stats }) => [split.id, stats]));
  await session.unsafe(`${recordSplits(tables, objectPrefix, recorded)}; COMMIT`);
  return [...before, ...copied.splits];
}

/**
 * The backend of a connection that was lost may still have been at its COMMIT when the ledger was
 * asked: then the ledger's key refuses the second copy, and the next try finds the first.
 */
function loadedElsewhere(error: unknown): boolean {
  const { table_name: table } = error as { table_name?: unknown };
  return codeOf(error) === UNIQUE_VIOLATION && table === 'sync_splits';
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown }).code);
}
