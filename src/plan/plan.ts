import { createHash } from 'node:crypto';
import { quoteBigQueryString } from '../google/bigquery-quoting.ts';
import { type Source, sourceFrom } from '../google/source.ts';
import { sourceText } from '../google/source-name.ts';
import { fitIdentifier, quoteIdentifier, quoteTable, type TableName } from '../postgres/quoting.ts';
import type { Dependents } from '../swap/dependencies/dependents.ts';
import type { AddedColumn } from '../swap/objects/columns.ts';
import type { Column } from './export-column.ts';
import type { ColumnPlan } from './plan-columns.ts';
import { type Window, windowFilter } from './watermark-window.ts';

/** All that a run will do, decided before it changes anything: later steps obey, and invent nothing. */
export interface Plan {
  readonly runId: string;
  /** `--pg-table` as given: the key of `sync_state`. */
  readonly tableName: string;
  readonly target: TableName;
  readonly source: Source;
  readonly mode: 'full' | 'incremental';
  readonly window: Window;
  /** Rows that the source had when it was asked: for the progress bar, not for any check. */
  readonly expectedRows: number;
  readonly format: 'binary' | 'text';
  readonly columns: readonly Column[];
  readonly added: readonly AddedColumn[];
  readonly primaryKey: readonly string[];
  /** Row security holds for this user: COPY does not write to the target. */
  readonly rowSecurity: boolean;
  readonly bucket: string;
  /** `bq_to_postgres/RUN_ID/`: everything that the export writes begins with it. */
  readonly objectPrefix: string;
  readonly jobId: string;
  readonly exportSql: string;
  /** Full loads only. */
  readonly staging: TableName | undefined;
  readonly dependents: Dependents | undefined;
  /** The same for two runs that would export the same columns in the same way into the same target. */
  readonly fingerprint: string;
  readonly warnings: readonly string[];
}

/** The decisions that a plan is made of; all else follows from them. */
export type PlanInput = Pick<
  Plan,
  'runId' | 'tableName' | 'target' | 'source' | 'mode' | 'window' | 'expectedRows' | 'bucket'
> &
  Pick<Plan, 'dependents' | 'primaryKey' | 'rowSecurity' | 'warnings'> & {
    readonly columnPlan: ColumnPlan;
  };

/** Puts the decisions together. */
export function makePlan(input: PlanInput): Plan {
  const { columnPlan, ...rest } = input;
  const objectPrefix = `bq_to_postgres/${input.runId}/`;
  const { columns, format, added } = columnPlan;
  return {
    ...rest,
    format,
    columns,
    added,
    objectPrefix,
    jobId: `bq_to_postgres_${input.runId}`,
    exportSql: exportStatement(input.source, columns, input.window, input.bucket, objectPrefix),
    staging: input.mode === 'full' ? stagingName(input.target, input.runId) : undefined,
    fingerprint: fingerprint(input, columnPlan),
    warnings: [...input.source.warnings, ...columnPlan.warnings, ...input.warnings],
  };
}

function exportStatement(
  source: Source,
  columns: readonly Column[],
  window: Window,
  bucket: string,
  objectPrefix: string,
): string {
  const uri = quoteBigQueryString(`gs://${bucket}/${objectPrefix}*.avro`);
  const list = columns.map(({ expression, alias }) => `${expression} AS ${alias}`).join(',\n  ');
  return `EXPORT DATA OPTIONS (uri=${uri}, format='AVRO', overwrite=false) AS
SELECT
  ${list}
FROM ${sourceFrom(source)}
WHERE ${windowFilter(source.watermark, window)}`;
}

/** In the target's schema, so that the swap is a rename. */
function stagingName(target: TableName, runId: string): TableName {
  const suffix = `_staging_${runId.replaceAll(/[^a-z0-9]/g, '').slice(-12)}`;
  return { schema: target.schema, name: fitIdentifier(target.name, suffix) };
}

/** `COPY table (columns) FROM STDIN`, for the table that the rows go to first. */
export function copyStatement(plan: Plan, into: string): string {
  const columns = targetColumns(plan).map(quoteIdentifier).join(', ');
  const format = plan.format === 'binary' ? 'binary' : 'text';
  return `COPY ${into} (${columns}) FROM STDIN (FORMAT ${format})`;
}

/** The columns of the target that rows are written to, in the order of the export. */
export function targetColumns(plan: Plan): readonly string[] {
  return plan.columns.flatMap((column) => (column.target === undefined ? [] : [column.target]));
}

function fingerprint(input: PlanInput, { columns, format, added }: ColumnPlan): string {
  const what = {
    source: sourceText(input.source.name),
    target: quoteTable(input.target),
    bucket: input.bucket,
    columns,
    format,
    added,
    dependents: input.dependents?.fingerprint,
  };
  return createHash('sha256').update(JSON.stringify(what)).digest('hex');
}
