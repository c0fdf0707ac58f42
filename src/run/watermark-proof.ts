import { WATERMARK_COLUMN } from '../google/source-name.ts';
import type { IncrementPlan } from '../plan/plan.ts';
import type { Session } from '../postgres/pool.ts';
import { quoteIdentifier, quoteLiteral, quoteTable } from '../postgres/quoting.ts';
import { isLeftByRun } from '../state/last-run.ts';
import type { Context } from './context.ts';
import { explainGone, rowsAfterWatermark } from './run-refusals.ts';

/**
 * A watermark that is not as a run in the ledger has left it may lag behind the rows: somebody has
 * written it, or has taken the run out of the ledger that died before it set its own. Throws
 * ROWS_AFTER_WATERMARK where rows are there that would come a second time; an upsert does not mind. One
 * that a run has set costs no look at the rows.
 */
export async function requireNoLaterRows(
  session: Session,
  context: Context,
  plan: IncrementPlan,
  tableName: string,
): Promise<void> {
  const { tables, target } = context.resolved;
  if (plan.writeMode === 'upsert') return;
  const column = plan.table.columns.find(({ name }) => name.toLowerCase() === WATERMARK_COLUMN);
  if (column === undefined || !/^timestamp/.test(column.type.name)) return;
  if (await isLeftByRun(session, tables, target, tableName)) return;
  // As the column's type rounds it: a row must not be later than its own watermark.
  const low = `${quoteLiteral(`${plan.low}+00`)}::${column.type.text}`;
  const later = `SELECT FROM ${quoteTable(target)} WHERE ${quoteIdentifier(column.name)} > ${low}`;
  const [row] = await session
    .unsafe<{ some: boolean }[]>(`SELECT EXISTS (${later}) AS some`)
    .catch(explainGone(context));
  if (row?.some) throw rowsAfterWatermark(context, plan.low, column, tableName);
}
