import { ProjectorError } from '../errors.ts';
import type { Instant } from '../instant.ts';
import type { Session } from '../postgres/pool.ts';
import { quoteLiteral, quoteTable } from '../postgres/quoting.ts';
import type { StateTables } from './state-tables.ts';
import { asInstant, setWatermark } from './watermark.ts';

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

/** What a row of `sync_runs` begins with. A row that names no objects has nothing to be cleaned. */
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
  readonly exportedRows?: number | undefined;
  readonly bytes?: number | undefined;
}

type Value = string | number | boolean | undefined;

/** A constant, or NULL. What an error quotes can hold U+0000, which PostgreSQL's text cannot. */
function constant(value: Value): string {
  if (value === undefined) return 'NULL';
  return typeof value === 'string' ? quoteLiteral(value.replaceAll('\0', '\uFFFD')) : String(value);
}

/** Writes the row; a second time, after an answer that was lost, it does nothing. */
export function insertRun(tables: StateTables, run: NewRun): string {
  const values: Readonly<Record<string, Value>> = {
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
    exported_rows: run.exportedRows,
    bytes: run.bytes,
    cleaned: run.objectPrefix === undefined,
  };
  const columns = Object.keys(values).join(', ');
  return `INSERT INTO ${quoteTable(tables.runs)} (${columns})
    VALUES (${Object.values(values).map(constant).join(', ')}) ON CONFLICT (run_id) DO NOTHING`;
}

/** Columns of a run's row that change, by their names. */
export type RunChange = Readonly<{
  status?: RunStatus;
  rows?: number;
  bytes?: number;
  exported_rows?: number;
  watermark?: Instant;
  /** JSON. */
  timings?: string;
  job_id?: string;
  error?: string;
  /** Whether nothing is left of it: job, objects, staging table, rows on splits. */
  cleaned?: boolean;
}>;

const ENDED: ReadonlySet<string> = new Set(['applied', 'failed', 'interrupted', 'died', 'resumed']);

/** Changes the row of a run; a status that ends it sets `finished_at`. */
export function updateRun(tables: StateTables, runId: string, change: RunChange): string {
  const values = Object.entries(change).filter(([, value]) => value !== undefined);
  const sets = values.map(([column, value]) => `${column} = ${constant(value)}`);
  if (ENDED.has(change.status ?? '')) sets.push('finished_at = now()');
  return `UPDATE ${quoteTable(tables.runs)} SET ${sets.join(', ')} WHERE run_id = ${quoteLiteral(runId)}`;
}

/**
 * Marks the run committed, inside the transaction that makes its rows visible. Throws RUN_TAKEN_OVER
 * where another run has ended this one in the meantime: its rows may be in the target already.
 */
export async function commitRun(
  sql: Session,
  tables: StateTables,
  runId: string,
  loaded: { readonly rows: number; readonly watermark: Instant | undefined },
): Promise<void> {
  const { rows, watermark } = loaded;
  const change = {
    status: 'committed',
    rows,
    ...(watermark !== undefined && { watermark }),
  } as const;
  const marked = await sql.unsafe(
    `${updateRun(tables, runId, change)} AND status = 'loading' RETURNING run_id`,
  );
  if (marked.length === 0) throw takenOver();
}

/**
 * The statement that sets the watermark of a committed run and marks it applied, both or none, and
 * only once: what another run has done for this one is not done again over a newer watermark.
 */
export function applyRun(
  tables: StateTables,
  run: {
    readonly runId: string;
    readonly tableName: string;
    readonly mode: 'full' | 'incremental';
    readonly watermark: Instant | undefined;
    /** Seconds of each phase; not known of a run that died. */
    readonly seconds?: Readonly<Record<string, number>>;
  },
): string {
  const timings = run.seconds && { timings: JSON.stringify(run.seconds) };
  const change = { status: 'applied', ...timings } as const;
  const applied = `${updateRun(tables, run.runId, change)} AND status = 'committed'`;
  // An increment of rows that all lack a timestamp does not move the watermark.
  if (run.mode === 'incremental' && run.watermark === undefined) return applied;
  return `WITH applied AS (${applied} RETURNING run_id) ${setWatermark(tables, run.tableName, run.watermark, 'applied')}`;
}

/** What the ledger says of a run. */
export interface RunRow {
  readonly status: RunStatus;
  readonly rows: string | null;
  readonly watermark: Instant | null;
  readonly job_id: string | null;
}

/** Reads the row of a run; undefined: it has none yet. */
export async function readRun(
  sql: Session,
  tables: StateTables,
  runId: string,
): Promise<RunRow | undefined> {
  const [row] = await sql.unsafe<RunRow[]>(
    `SELECT status, rows::text, ${asInstant('watermark')} AS watermark, job_id
     FROM ${quoteTable(tables.runs)} WHERE run_id = ${quoteLiteral(runId)}`,
  );
  return row;
}

const ENDED_BY_OTHERS: ReadonlySet<string> = new Set(['died', 'resumed']);

/** Throws RUN_TAKEN_OVER if another run has ended this one, which it can while the lock is lost. */
export async function requireOurs(sql: Session, tables: StateTables, runId: string): Promise<void> {
  const row = await readRun(sql, tables, runId).catch((error) => {
    if ((error as { code?: unknown }).code === UNDEFINED_TABLE) return undefined;
    throw error;
  });
  if (ENDED_BY_OTHERS.has(row?.status ?? '')) throw takenOver();
}

/** SQLSTATE: the program's tables are still to be made. */
const UNDEFINED_TABLE = '42P01';

function takenOver(): ProjectorError {
  return new ProjectorError({
    code: 'RUN_TAKEN_OVER',
    message: 'while the connection was lost, another run took over what this one was doing',
    hint: 'Nothing is to be done: the other run goes on. Run the same command again after it.',
    exitCode: 3,
  });
}
