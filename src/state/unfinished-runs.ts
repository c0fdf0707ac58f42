import type { Instant } from '../instant.ts';
import type { Session } from '../postgres/pool.ts';
import { quoteLiteral, quoteTable, type TableName, tableText } from '../postgres/quoting.ts';
import { DATABASE_ID, OPEN_STATUSES, type RunStatus } from './ledger.ts';
import type { RunArtifacts } from './run-artifacts.ts';
import type { StateTables } from './state-tables.ts';
import { asInstant } from './watermark.ts';

/** A run that did not come to its end, or whose artifacts were not all removed at its end. */
export interface UnfinishedRun {
  readonly runId: string;
  readonly tableName: string;
  readonly target: string;
  readonly mode: 'full' | 'incremental' | undefined;
  readonly status: RunStatus;
  readonly low: Instant | undefined;
  readonly watermark: Instant | undefined;
  /** undefined: it had planned nothing that could be left behind. */
  readonly artifacts: RunArtifacts | undefined;
  readonly exportedRows: number;
  readonly bytes: number;
  /** The plan's fingerprint. */
  readonly plan: string | undefined;
  readonly sourceVersion: string | undefined;
  /** When its export began, as the ledger has it; undefined: it had not. */
  readonly exportedAt: string | undefined;
  /** Whether that is a few hours ago at most. */
  readonly recent: boolean;
  /** false: the row came with a copy of another database, whose run it is. */
  readonly ours: boolean;
}

interface UnfinishedRow {
  readonly run_id: string;
  readonly table_name: string;
  readonly target: string;
  readonly mode: 'full' | 'incremental' | null;
  readonly status: RunStatus;
  readonly low: Instant | null;
  readonly watermark: Instant | null;
  readonly project: string | null;
  readonly location: string;
  readonly bucket: string | null;
  readonly object_prefix: string | null;
  readonly job_id: string | null;
  readonly exported_rows: string | null;
  readonly bytes: string | null;
  readonly staging: string | null;
  readonly staging_schema: string | null;
  readonly plan: string | null;
  readonly source_version: string | null;
  readonly exported_at: string | null;
  readonly recent: boolean;
  readonly ours: boolean;
}

/** An export older than this is resumed only if the source is as it was when it began. */
const RECENT = '6 hours';

/** A run whose target is gone is anybody's to clean up after this. */
const ORPHANED = '1 day';

/**
 * The runs on a target that neither ended nor were ended, and those that left something behind,
 * however old, oldest first: by the target's name, by its oid where it was renamed since, and those
 * whose own target is gone. The schema of a staging table is looked up: it may have been renamed.
 */
export async function readUnfinished(
  sql: Session,
  tables: StateTables,
  target: TableName,
  ownRunId: string,
): Promise<readonly UnfinishedRun[]> {
  const rows = await sql.unsafe<UnfinishedRow[]>(`
    SELECT run_id, table_name, target, mode, status, ${asInstant('low')} AS low,
      ${asInstant('watermark')} AS watermark, project, location, bucket, object_prefix, job_id,
      exported_rows::text, bytes::text, staging, plan, source_version, exported_at::text,
      coalesce(exported_at > now() - interval '${RECENT}', false) AS recent,
      coalesce(database_id = ${DATABASE_ID}, true) AS ours,
      (SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relname = run.staging AND c.relkind IN ('r', 'p') LIMIT 1) AS staging_schema
    FROM ${quoteTable(tables.runs)} AS run
    WHERE (status IN ${OPEN_STATUSES} OR NOT cleaned) AND run_id <> ${quoteLiteral(ownRunId)}
      AND (target = ${quoteLiteral(tableText(target))}
        OR target_oid = to_regclass(${quoteLiteral(quoteTable(target))})
        OR started_at < now() - interval '${ORPHANED}' AND NOT EXISTS (
          SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE run.target IN (n.nspname || '.' || c.relname,
            quote_ident(n.nspname) || '.' || quote_ident(c.relname))))
    ORDER BY started_at`);
  return rows.map((row) => unfinishedRun(row, target));
}

function unfinishedRun(row: UnfinishedRow, target: TableName): UnfinishedRun {
  return {
    runId: row.run_id,
    tableName: row.table_name,
    target: row.target,
    mode: row.mode ?? undefined,
    status: row.status,
    low: row.low ?? undefined,
    watermark: row.watermark ?? undefined,
    artifacts: artifactsOf(row, target),
    exportedRows: Number(row.exported_rows ?? 0),
    bytes: Number(row.bytes ?? 0),
    plan: row.plan ?? undefined,
    sourceVersion: row.source_version ?? undefined,
    exportedAt: row.exported_at ?? undefined,
    recent: row.recent,
    ours: row.ours,
  };
}

function artifactsOf(row: UnfinishedRow, target: TableName): RunArtifacts | undefined {
  const { bucket, object_prefix: objectPrefix, location, staging } = row;
  if (bucket === null || objectPrefix === null) return undefined;
  return {
    jobId: row.job_id ?? undefined,
    project: row.project ?? undefined,
    location,
    bucket,
    objectPrefix,
    staging:
      staging === null ? undefined : { schema: row.staging_schema ?? target.schema, name: staging },
  };
}
