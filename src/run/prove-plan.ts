import type { IncrementPlan } from '../plan/plan.ts';
import type { Session } from '../postgres/pool.ts';
import { quoteTable } from '../postgres/quoting.ts';
import { readTargetTable, type TargetTable } from '../postgres/target-table.ts';
import type { FoundWatermark } from '../state/commit.ts';
import { readWatermark } from '../state/watermark.ts';
import { tellOfHolders } from '../swap/lock-holders.ts';
import {
  LOCK_PATIENCE_MS,
  type LockWait,
  lockTimeout,
  retryForLocks,
  withSavepoint,
} from '../swap/lock-retry.ts';
import type { Context } from './context.ts';
import { explainGone, targetChanged, watermarkChanged } from './run-refusals.ts';

/**
 * Locks the target against changes until the end of the transaction, and proves that it is the table
 * that the increment was planned for: the same oid, columns, types and key. Throws TARGET_CHANGED.
 */
export async function requireSameTable(
  session: Session,
  context: Context,
  plan: IncrementPlan,
): Promise<void> {
  await lockInTurns(session, context, plan).catch(explainGone(context));
  const now = await readTargetTable(session, plan.target);
  const what = differenceOf(plan, now);
  if (what !== undefined) throw targetChanged(context, what);
}

/** By short tries, as the swap does: between them the session itself can ask who holds the target. */
async function lockInTurns(
  session: Session,
  { report, signal }: Context,
  { target }: IncrementPlan,
): Promise<void> {
  const lock = `LOCK TABLE ONLY ${quoteTable(target)} IN ROW EXCLUSIVE MODE`;
  const tell = tellOfHolders(session, report.warn);
  const onWait = (wait: LockWait) => tell(wait, [target]);
  await retryForLocks(session, { giveUpAfterMs: LOCK_PATIENCE_MS, signal, onWait }, (budgetMs) =>
    withSavepoint(session, (inner) => inner.unsafe(`${lockTimeout(budgetMs)}; ${lock}`)),
  );
}

function differenceOf(plan: IncrementPlan, now: TargetTable | undefined): string | undefined {
  const { table: before, added } = plan;
  if (now === undefined) return 'it is gone';
  if (now.oid !== before.oid) return 'it was dropped and made again';
  const addedTypes = new Map(added.map(({ name, type }) => [name, type]));
  const text = (column: TargetTable['columns'][number] | undefined) => JSON.stringify(column);
  const names = [...before.columns, ...now.columns].map(({ name }) => name);
  const changed = names.find((name) => {
    const [old, current] = [before, now].map(({ columns }) =>
      columns.find((column) => column.name === name),
    );
    // ADD COLUMN IF NOT EXISTS leaves a column as it is that somebody else has added meanwhile.
    if (old === undefined) return current?.type.text !== addedTypes.get(name);
    return text(old) !== text(current);
  });
  if (changed !== undefined) return `its column ${changed} changed`;
  const keys = [before, now].map(({ primaryKey, deferrableKey }) => [primaryKey, deferrableKey]);
  if (JSON.stringify(keys[0]) !== JSON.stringify(keys[1])) return 'its primary key changed';
  return before.rowSecurity === now.rowSecurity ? undefined : 'its row security changed';
}

/**
 * Proves that the watermark still is what the plan read. One that was taken away meanwhile asks the next
 * run for a full load, and is no reason to throw the rows of this one away; any other change throws
 * WATERMARK_CHANGED.
 */
export async function requireSameWatermark(
  session: Session,
  context: Context,
  { tableName, low }: FoundWatermark,
): Promise<void> {
  const now = await readWatermark(session, context.resolved.tables, tableName);
  if (now === undefined || now === low) return;
  throw watermarkChanged(context, low, now);
}
