import type { Instant } from '../instant.ts';
import { quoteLiteral, quoteTable } from '../postgres/quoting.ts';
import type { RunStatus } from './ledger.ts';
import type { StateTables } from './state-tables.ts';
import { asInstant } from './watermark.ts';

/** A run that did not come to its end, or whose leftovers were not removed at its end. */
export interface UnfinishedRun {
  readonly run_id: string;
  readonly table_name: string;
  readonly mode: 'full' | 'incremental';
  readonly status: RunStatus;
  readonly low: Instant | null;
  readonly high: Instant | null;
  readonly watermark: Instant | null;
  readonly location: string;
  readonly object_prefix: string | null;
  readonly job_id: string | null;
  readonly exported_rows: string | null;
  readonly bytes: string | null;
  readonly staging: string | null;
  readonly plan: string | null;
  /** Whether its export is less than a day old. */
  readonly recent: boolean;
}

/**
 * The runs on a target that neither ended nor were ended, oldest first, and those of the last week
 * that ended with something left.
 */
export function unfinishedQuery(tables: StateTables, target: string): string {
  const runs = quoteTable(tables.runs);
  return `SELECT run_id, table_name, mode, status, ${asInstant('low')} AS low,
      ${asInstant('high')} AS high, ${asInstant('watermark')} AS watermark,
      location, object_prefix, job_id, exported_rows::text, bytes::text, staging, plan,
      (SELECT min(started_at) > now() - interval '1 day' FROM ${runs} AS first
       WHERE first.object_prefix = run.object_prefix) AS recent
    FROM ${runs} AS run
    WHERE target = ${quoteLiteral(target)} AND (status IN ('exporting', 'loading', 'committed')
      OR NOT cleaned AND started_at > now() - interval '7 days')
    ORDER BY started_at`;
}
