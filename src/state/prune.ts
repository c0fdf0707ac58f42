import { quoteLiteral, quoteTable, type TableName, tableText } from '../postgres/quoting.ts';
import { OPEN_STATUSES } from './ledger.ts';
import type { StateTables } from './state-tables.ts';

/** Rows of runs that ended longer ago than this are pruned: the reference names it. */
const KEPT_DAYS = 90;

/** Most rows that one run prunes: an increment should not wait for the sins of years. */
const PRUNED_AT_ONCE = 1000;

/**
 * The statement that takes old runs of a target out of the ledger. The newest run stays, and so do the
 * newest that brought rows and the newest that knew the key, whatever their age: the next run asks
 * them what the target's source and key were.
 */
export function pruneStatement(tables: StateTables, target: TableName): string {
  const runs = quoteTable(tables.runs);
  const own = `target = ${quoteLiteral(tableText(target))}`;
  const newest = (condition: string) =>
    `(SELECT run_id FROM ${runs} WHERE ${own} AND ${condition} ORDER BY started_at DESC LIMIT 1)`;
  const kept = ['true', "status = 'applied' AND rows > 0", 'primary_key IS NOT NULL'].map(newest);
  return `DELETE FROM ${runs} WHERE run_id IN (
      SELECT run_id FROM ${runs}
      WHERE ${own} AND started_at < now() - interval '${KEPT_DAYS} days'
        AND cleaned AND status NOT IN ${OPEN_STATUSES}
      ORDER BY started_at LIMIT ${PRUNED_AT_ONCE})
    ${kept.map((run) => `AND run_id IS DISTINCT FROM ${run}`).join(' ')}`;
}
