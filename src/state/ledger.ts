import type postgres from 'postgres';
import { quoteLiteral, quoteTable } from '../identifiers.ts';
import type { Instant } from '../instant.ts';
import type { StateTables } from './tables.ts';
import { instantText } from './watermark.ts';

/**
 * exporting: the row is there before the job is; loading: the export is complete; committed: the
 * rows are in the target, the watermark may lag; applied: all done. The others are ends without rows.
 */
export type RunStatus =
  | 'exporting'
  | 'loading'
  | 'committed'
  | 'applied'
  | 'failed'
  | 'interrupted'
  | 'died'
  | 'resumed';

/** What a row of `sync_runs` begins with. */
export interface NewRun {
  readonly runId: string;
  readonly tableName: string;
  readonly target: string;
  readonly source: string;
  readonly mode: 'full' | 'incremental';
  readonly low: Instant | undefined;
  readonly high: Instant | undefined;
  readonly status: RunStatus;
  readonly host: string;
  readonly pid: number;
  readonly location: string;
  readonly objectPrefix: string | undefined;
  readonly jobId: string | undefined;
  readonly staging: string | undefined;
  /** What has to be the same for another run to go on with this one's export. */
  readonly plan: string | undefined;
}

/** A run that did not come to its end. */
export interface UnfinishedRun {
  readonly run_id: string;
  readonly table_name: string;
  readonly mode: 'full' | 'incremental';
  readonly status: 'exporting' | 'loading' | 'committed';
  readonly low: Instant | null;
  readonly high: Instant | null;
  readonly watermark: Instant | null;
  readonly location: string;
  readonly object_prefix: string | null;
  readonly job_id: string | null;
  readonly exported_rows: string | null;
  readonly staging: string | null;
  readonly plan: string | null;
  readonly young: boolean;
}

type Values = Readonly<Record<string, string | number | undefined>>;

/** A constant, or NULL. */
function constant(value: string | number | undefined): string {
  if (value === undefined) return 'NULL';
  return typeof value === 'number' ? String(value) : quoteLiteral(value);
}

export function insertRun(tables: StateTables, run: NewRun): string {
  const values: Values = {
    run_id: run.runId,
    table_name: run.tableName,
    target: run.target,
    source: run.source,
    mode: run.mode,
    low: run.low,
    high: run.high,
    status: run.status,
    host: run.host,
    pid: run.pid,
    location: run.location,
    object_prefix: run.objectPrefix,
    job_id: run.jobId,
    staging: run.staging,
    plan: run.plan,
  };
  const columns = Object.keys(values).join(', ');
  return `INSERT INTO ${quoteTable(tables.runs)} (${columns}) VALUES (${Object.values(values).map(constant).join(', ')})`;
}

export type RunChange = Readonly<{
  status?: RunStatus;
  rows?: number;
  bytes?: number;
  exported_rows?: number;
  watermark?: Instant;
  timings?: string;
  error?: string;
}>;

const ENDED: ReadonlySet<string> = new Set(['applied', 'failed', 'interrupted', 'died', 'resumed']);

/** Changes the row of a run; a status that ends it sets `finished_at`. */
export function updateRun(tables: StateTables, runId: string, change: RunChange): string {
  const values = Object.entries(change).filter(([, value]) => value !== undefined);
  const sets = values.map(([column, value]) => `${column} = ${constant(value)}`);
  if (ENDED.has(change.status ?? '')) sets.push('finished_at = now()');
  return `UPDATE ${quoteTable(tables.runs)} SET ${sets.join(', ')} WHERE run_id = ${quoteLiteral(runId)}`;
}

/** The runs on a target that neither ended nor were ended, oldest first. */
export function unfinishedQuery(tables: StateTables, target: string): string {
  return `SELECT run_id, table_name, mode, status, ${instantText('low')} AS low,
      ${instantText('high')} AS high, ${instantText('watermark')} AS watermark,
      location, object_prefix, job_id, exported_rows::text, staging, plan,
      started_at > now() - interval '1 day' AS young
    FROM ${quoteTable(tables.runs)}
    WHERE target = ${quoteLiteral(target)} AND status IN ('exporting', 'loading', 'committed')
    ORDER BY started_at`;
}

export async function statusOfRun(
  sql: postgres.ReservedSql | postgres.Sql,
  tables: StateTables,
  runId: string,
): Promise<string | undefined> {
  const [row] = await sql.unsafe<{ status: string }[]>(
    `SELECT status FROM ${quoteTable(tables.runs)} WHERE run_id = ${quoteLiteral(runId)}`,
  );
  return row?.status;
}
