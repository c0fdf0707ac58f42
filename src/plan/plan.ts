import { createHash } from 'node:crypto';
import type { Source } from '../google/source.ts';
import { sourceText } from '../google/source-name.ts';
import type { Instant } from '../instant.ts';
import { fitIdentifier, quoteTable, type TableName } from '../postgres/quoting.ts';
import type { TargetTable } from '../postgres/target-table.ts';
import type { RunArtifacts } from '../state/run-artifacts.ts';
import type { Dependents } from '../swap/dependencies/dependents.ts';
import type { AddedColumn } from '../swap/objects/columns.ts';
import { copyStatement, planWrite, type WritePlan } from './append-or-upsert.ts';
import type { Column } from './export-column.ts';
import { type ExportJob, exportJobs } from './export-statement.ts';
import { type ColumnPlan, planColumns } from './plan-columns.ts';
import type { RowKey } from './row-key.ts';
import { costWarnings } from './source-warnings.ts';

/** All that a run will do, decided before it changes anything: later steps obey, and invent nothing. */
export type Plan = FullLoadPlan | IncrementPlan;

/** What both kinds of run have. */
interface CommonPlan {
  readonly target: TableName;
  readonly source: Source;
  readonly format: 'binary' | 'text';
  readonly columns: readonly Column[];
  /** Columns that the target lacks. */
  readonly added: readonly AddedColumn[];
  readonly key: RowKey | undefined;
  /** Rows that the source had when it was counted: for the progress bar, and for a check of sense. */
  readonly counted: Counted;
  readonly artifacts: RunArtifacts;
  /** The export, and the further tries of it. */
  readonly jobs: readonly ExportJob[];
  /** The statement by which rows leave this program. */
  readonly copy: string;
  /** The same for two runs that would export the same columns in the same way into the same target. */
  readonly fingerprint: string;
  readonly warnings: readonly string[];
}

/** Every row of the source into staging, which then takes the target's place. */
export interface FullLoadPlan extends CommonPlan {
  readonly mode: 'full';
  readonly low: undefined;
  readonly staging: TableName;
  /** The target as the catalog has it; undefined: there is none yet. */
  readonly table: TargetTable | undefined;
  readonly dependents: Dependents | undefined;
}

/** The rows after the watermark into the target, in one transaction. */
export interface IncrementPlan extends CommonPlan, WritePlan {
  readonly mode: 'incremental';
  readonly low: Instant;
  readonly table: TargetTable;
}

/** What the count query said. */
export interface Counted {
  readonly rows: number;
  /** The greatest `max_ingested_at`; undefined if no row has one. */
  readonly newest: Instant | undefined;
}

/** What a plan is made of. */
export interface PlanRequest {
  readonly runId: string;
  /** 1, and one more each time that the source has changed while it was exported. */
  readonly attempt: number;
  readonly source: Source;
  readonly target: TableName;
  readonly table: TargetTable | undefined;
  readonly dependents: Dependents | undefined;
  /** What there is to say of the target before a full load. */
  readonly targetWarnings: readonly string[];
  readonly counted: Counted;
  readonly bucket: string;
  /** The project that jobs are billed to. */
  readonly project: string;
}

/** Decides a full load. Throws for whatever would not work. */
export function planFullLoad(request: PlanRequest): FullLoadPlan {
  const { source, target, table, dependents } = request;
  const columnPlan = planColumns(source, table, 'full');
  const staging = stagingName(target, request.runId, request.attempt);
  return {
    ...commonPlan(request, columnPlan, undefined, staging),
    mode: 'full',
    low: undefined,
    staging,
    table,
    dependents,
    copy: copyStatement(quoteTable(staging), columnPlan.columns, columnPlan.format),
  };
}

/** Decides an increment after `low` into `table`. Throws for whatever would not work. */
export function planIncrement(
  request: PlanRequest & { readonly table: TargetTable },
  low: Instant,
): IncrementPlan {
  const { source, table } = request;
  const columnPlan = planColumns(source, table, 'incremental');
  const newestType = source.watermark.type;
  return {
    ...commonPlan(request, columnPlan, low, undefined),
    ...planWrite({ ...columnPlan, target: table, newestType }),
    mode: 'incremental',
    low,
    table,
  };
}

function commonPlan(
  request: PlanRequest,
  columnPlan: ColumnPlan,
  low: Instant | undefined,
  staging: TableName | undefined,
): Omit<CommonPlan, 'copy'> {
  const { source, target, counted } = request;
  const { columns, format, added, key } = columnPlan;
  const artifacts = artifactsOf(request, staging);
  const { jobId = '', bucket, objectPrefix } = artifacts;
  return {
    target,
    source,
    format,
    columns,
    added,
    key,
    counted,
    artifacts,
    jobs: exportJobs({ source, columns, low, key, jobId, bucket, objectPrefix }),
    fingerprint: fingerprint(request, columnPlan),
    warnings: [
      ...source.warnings,
      ...costWarnings(source),
      ...columnPlan.warnings,
      ...request.targetWarnings,
    ],
  };
}

/** Each attempt has a job and a place of its own, below the one prefix of the run. */
function artifactsOf(request: PlanRequest, staging: TableName | undefined): RunArtifacts {
  const { runId, attempt, bucket, project, source } = request;
  const again = attempt === 1 ? '' : `_again${attempt}`;
  return {
    jobId: `bq_to_postgres_${runId}${again}`,
    project,
    location: source.name.location,
    bucket,
    objectPrefix: `bq_to_postgres/${runId}${again}/`,
    staging,
  };
}

/** In the target's schema, so that the swap is a rename. */
function stagingName(target: TableName, runId: string, attempt: number): TableName {
  const unique = runId.replaceAll(/[^a-z0-9]/g, '').slice(-12);
  const again = attempt === 1 ? '' : `_${attempt}`;
  return {
    schema: target.schema,
    name: fitIdentifier(target.name, `_staging_${unique}${again}`),
  };
}

function fingerprint(
  { source, target, bucket, dependents }: PlanRequest,
  { columns, format, added, key }: ColumnPlan,
): string {
  const what = {
    source: sourceText(source.name),
    target: quoteTable(target),
    bucket,
    columns,
    format,
    added,
    key,
    dependents: dependents?.fingerprint,
  };
  return createHash('sha256').update(JSON.stringify(what)).digest('hex');
}
