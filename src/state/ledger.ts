import type { Instant } from '../instant.ts';
import type { Session } from '../postgres/pool.ts';
import { quoteLiteral, quoteTable } from '../postgres/quoting.ts';
import type { RunArtifacts } from './run-artifacts.ts';
import { explainStateGone, type StateTables } from './state-tables.ts';
import { asInstant } from './watermark.ts';

/**
 * started: nothing was read yet; exporting: the row names the job before there is one; loading: the
 * export is complete; committed: the rows are in the target, the watermark may lag; applied: all
 * done. The others are ends without rows.
 */
export type RunStatus =
  | 'started'
  | 'exporting'
  | 'loading'
  | 'committed'
  | 'applied'
  | 'failed'
  | 'interrupted'
  | 'died'
  | 'resumed';

/** The statuses of a run that may still be under way, as an SQL list. */
export const OPEN_STATUSES = "('started', 'exporting', 'loading', 'committed')";

/** What the row of a run begins with, before the run has read anything that it will trust. */
export interface NewRun {
  readonly runId: string;
  /** `--pg-table` as given. */
  readonly tableName: string;
  /** The table that it resolves to, as `tableText` writes it. */
  readonly target: string;
  readonly targetOid: number | undefined;
  /** `project.dataset.table`. */
  readonly source: string;
  readonly host: string;
  readonly pid: number;
  readonly location: string;
  /** Of the program. */
  readonly version: string;
}

type Value = string | number | boolean | readonly string[] | undefined;

/** A constant, or NULL. */
function constant(value: Value): string {
  if (value === undefined) return 'NULL';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return quoteLiteral(value);
  return `ARRAY[${value.map(constant).join(', ')}]::text[]`;
}

/**
 * SQL expression for a text that quotes anything, which a server of any encoding can read and store:
 * U+0000 and lone surrogates are no text of PostgreSQL, and where its encoding is not UTF-8, what is
 * not ASCII is escaped.
 */
function inAnyEncoding(text: string): string {
  const storable = text.toWellFormed().replaceAll('\0', '\uFFFD');
  const escaped = storable.replaceAll(
    /\P{ASCII}/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
  if (escaped === storable) return quoteLiteral(storable);
  const bytes = Buffer.from(storable).toString('hex');
  return `CASE getdatabaseencoding() WHEN 'UTF8' THEN convert_from(decode('${bytes}', 'hex'), 'UTF8')
    ELSE ${quoteLiteral(escaped)} END`;
}

/** Identifies the database and its cluster: a copy of the database has another one. */
export const DATABASE_ID = `(SELECT system_identifier FROM pg_control_system())::text || '/' ||
  (SELECT oid FROM pg_database WHERE datname = current_database())`;

/** Writes the row; a second time, after an answer that was lost, it does nothing. */
export function insertRun(tables: StateTables, run: NewRun): string {
  const values: Readonly<Record<string, Value>> = {
    run_id: run.runId,
    table_name: run.tableName,
    target: run.target,
    target_oid: run.targetOid,
    source: run.source,
    status: 'started',
    host: run.host,
    pid: run.pid,
    location: run.location,
    version: run.version,
    cleaned: true,
  };
  const columns = Object.keys(values).join(', ');
  return `INSERT INTO ${quoteTable(tables.runs)} (${columns}, database_id)
    VALUES (${Object.values(values).map(constant).join(', ')}, ${DATABASE_ID})
    ON CONFLICT (run_id) DO NOTHING`;
}

/** What changes in the row of a run. */
export interface RunChange {
  readonly status?: RunStatus;
  readonly mode?: 'full' | 'incremental';
  readonly low?: Instant | undefined;
  readonly rows?: number;
  readonly bytes?: number;
  readonly exportedRows?: number;
  readonly watermark?: Instant | undefined;
  /** JSON. */
  readonly timings?: string | undefined;
  readonly error?: string;
  /** Whether nothing is left of it: job, objects, staging table, rows on splits. */
  readonly cleaned?: boolean;
  readonly artifacts?: RunArtifacts;
  /** What has to be the same for another run to resume this one's export. */
  readonly plan?: string;
  /** The source as it was before the export: what `sourceVersionText` gives. */
  readonly sourceVersion?: string;
  /** When the export began: `now()`, or the instant that a resumed run hands on. */
  readonly exportedAt?: string;
  readonly primaryKey?: readonly string[];
  /** Rows of the source that a newer row of the same key has replaced. */
  readonly rowsLeftOut?: number | undefined;
  readonly rowsBefore?: number | undefined;
  /** The target as the run left it: pg_class.oid. */
  readonly targetOid?: number | undefined;
  readonly bytesBilled?: number | undefined;
  readonly slotMs?: number | undefined;
}

const ENDED: ReadonlySet<string> = new Set(['applied', 'failed', 'interrupted', 'died', 'resumed']);

/**
 * Changes the row of a run; a status that ends it sets `finished_at`. `stateVersion` is an SQL expression
 * for the version of its row in `sync_state` as the run has left it.
 */
export function updateRun(
  tables: StateTables,
  runId: string,
  change: RunChange,
  stateVersion?: string,
): string {
  const { artifacts, exportedAt, error, ...rest } = change;
  const plain = Object.entries({ ...rest, ...(artifacts && artifactColumns(artifacts)) });
  const sets = plain
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${snakeCase(name)} = ${constant(value as Value)}`);
  if (exportedAt !== undefined) {
    sets.push(`exported_at = ${exportedAt === 'now()' ? exportedAt : quoteLiteral(exportedAt)}`);
  }
  if (error !== undefined) sets.push(`error = ${inAnyEncoding(error)}`);
  if (stateVersion !== undefined) sets.push(`state_version = ${stateVersion}`);
  if (ENDED.has(change.status ?? '')) sets.push('finished_at = now()');
  return `UPDATE ${quoteTable(tables.runs)} SET ${sets.join(', ')} WHERE run_id = ${quoteLiteral(runId)}`;
}

function artifactColumns({ staging, ...artifacts }: RunArtifacts): Readonly<Record<string, Value>> {
  return { ...artifacts, staging: staging?.name };
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** What the ledger says of a run that is under way. */
export interface LedgerRun {
  readonly status: RunStatus;
  readonly jobId: string | undefined;
  readonly rows: number;
  readonly watermark: Instant | undefined;
  readonly rowsLeftOut: number | undefined;
}

interface LedgerRow {
  readonly status: RunStatus;
  readonly job_id: string | null;
  readonly rows: string | null;
  readonly watermark: Instant | null;
  readonly rows_left_out: string | null;
}

/** Reads the row of a run; undefined: there is none. Throws LEDGER_CHANGED where the ledger is gone. */
export async function readRun(
  sql: Session,
  tables: StateTables,
  runId: string,
): Promise<LedgerRun | undefined> {
  const query = `SELECT status, job_id, rows::text, ${asInstant('watermark')} AS watermark, rows_left_out::text
     FROM ${quoteTable(tables.runs)} WHERE run_id = ${quoteLiteral(runId)}`;
  const [row] = await sql.unsafe<LedgerRow[]>(query).catch((error: unknown) => {
    throw explainStateGone(error);
  });
  if (row === undefined) return undefined;
  return {
    status: row.status,
    jobId: row.job_id ?? undefined,
    rows: Number(row.rows ?? 0),
    watermark: row.watermark ?? undefined,
    rowsLeftOut: row.rows_left_out === null ? undefined : Number(row.rows_left_out),
  };
}
