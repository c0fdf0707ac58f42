import { hasCode, ProjectorError } from '../errors.ts';
import { noRowCount } from '../google/bigquery-advice.ts';
import type { ObjectInfo } from '../google/object-info.ts';
import type { Source } from '../google/source.ts';
import { jobWarnings } from '../google/visibility.ts';
import { snapshotCountQuery } from '../plan/export-statement.ts';
import type { Plan } from '../plan/plan.ts';
import type { UnfinishedRun } from '../state/unfinished-runs.ts';
import { cleanUp } from './clean-up.ts';
import type { Context } from './context.ts';
import { keyWarnings, planRun } from './plan-run.ts';
import { recordChange, recordPlan } from './register-run.ts';
import { sourceChanging } from './run-refusals.ts';
import { describeSource, type SourceState } from './source-state.ts';
import { undoOnFailure } from './undo-failed-run.ts';

/** A complete export: all of its objects, and the rows that BigQuery says it wrote to them. */
export interface Exported {
  readonly objects: readonly ObjectInfo[];
  readonly rows: number;
  readonly bytes: number;
}

/** A plan with its export. */
export interface PlannedExport {
  readonly plan: Plan;
  readonly exported: Exported;
}

/** Exports that are planned at most while the columns of the source change. */
const MAX_ATTEMPTS = 3;

/**
 * Plans and exports; again where the columns of the source have changed until the export was done: the
 * values of a column that is new would be missing from these rows for ever, and one that is gone fails
 * the query.
 */
export async function planAndExport(context: Context, first: SourceState): Promise<PlannedExport> {
  let state = first;
  for (let attempt = 1; ; attempt += 1) {
    const plan = await planRun(context, state, attempt);
    for (const text of [...plan.warnings, ...keyWarnings(plan, state)]) context.report.warn(text);
    await recordPlan(context, plan);
    const { exported, source } = await undoOnFailure(context, plan, () => tryExport(context, plan));
    if (exported !== undefined) return { plan, exported };
    context.report.info('the columns of the source changed during the export: exporting again');
    await cleanUp(context, plan.artifacts, { status: 'started' });
    if (attempt === MAX_ATTEMPTS) throw sourceChanging(context);
    state = { ...state, source };
  }
}

interface TriedExport {
  /** undefined: it was planned for other columns than the source has now. */
  readonly exported: Exported | undefined;
  /** As it is after the export. */
  readonly source: Source;
}

async function tryExport(context: Context, plan: Plan): Promise<TriedExport> {
  let failure: unknown;
  const exported = await exportRows(context, plan).catch((error) => {
    if (!hasCode(error, 'QUERY_FAILED')) throw error;
    failure = error;
    return undefined;
  });
  const source = await describeSource(context);
  if (!hasSameColumns(plan.source, source)) return { exported: undefined, source };
  if (exported === undefined) throw failure;
  return { exported, source };
}

function hasSameColumns(one: Source, other: Source): boolean {
  return JSON.stringify(one.columns) === JSON.stringify(other.columns);
}

/**
 * Runs the export job and lists what it wrote. The ledger names the job before it is started; a job
 * that was started before under its id is waited for, not started again. One that BigQuery failed by a
 * fault of its own is followed by the next try of the plan.
 */
async function exportRows(context: Context, plan: Plan): Promise<Exported> {
  const phase = context.report.phase('export');
  const rows = await runJobs(context, plan);
  const objects = await list(context, plan);
  if (objects.length === 0) throw nothingListed(plan, rows);
  const bytes = totalBytes(objects);
  phase.advance(rows, { rows, bytes });
  await recordChange(context, { status: 'loading', exportedRows: rows, bytes });
  phase.finish();
  return { objects, rows, bytes };
}

/** The export of the run that this one resumes; nothing is asked of BigQuery. */
export async function exportedBefore(
  context: Context,
  plan: Plan,
  { exportedRows }: UnfinishedRun,
): Promise<Exported> {
  const objects = await list(context, plan);
  return { objects, rows: exportedRows, bytes: totalBytes(objects) };
}

async function list(context: Context, { artifacts }: Plan): Promise<readonly ObjectInfo[]> {
  const store = await context.store(artifacts.bucket);
  return await store.list(artifacts.objectPrefix, context.signal);
}

/** The rows that the job which succeeded wrote. */
async function runJobs(context: Context, plan: Plan): Promise<number> {
  const { bigquery, report, signal } = context;
  const source = plan.source.name;
  const { bucket, objectPrefix } = plan.artifacts;
  const [first, ...further] = plan.jobs;
  let job = first;
  while (job !== undefined) {
    try {
      await bigquery.start(job.jobId, job.sql, source);
      const result = await bigquery.exportResult(job.jobId, source);
      for (const warning of jobWarnings(source, result)) report.warn(warning);
      return result.rows ?? (await countSnapshot(context, plan, job.jobId, result.startTime));
    } catch (error) {
      job = further.shift();
      if (!hasCode(error, 'JOB_FAILED') || job === undefined) throw error;
      report.warn(`${error.message}; exporting again by another job`);
      await (await context.store(bucket)).remove(objectPrefix, signal);
      await recordChange(context, { artifacts: { ...plan.artifacts, jobId: job.jobId } });
    }
  }
  throw new TypeError('a plan without an export job');
}

/**
 * The rows that the export saw, where no statistic of its job counts them: what the source had when the
 * job began. Throws NO_EXPORT_STATISTICS for a view, of which there is no earlier state to ask for.
 */
async function countSnapshot(
  { bigquery }: Context,
  { source, low, key }: Plan,
  jobId: string,
  startTime: number,
): Promise<number> {
  if (source.version.isView) throw noRowCount(jobId);
  const { cells } = await bigquery.firstRow(
    snapshotCountQuery({ source, low, key }, startTime),
    source.name,
  );
  return Number(cells[0]);
}

/** An export writes an object even where there is no row. */
function nothingListed({ artifacts }: Plan, rows: number): ProjectorError {
  return new ProjectorError({
    code: 'ROW_COUNT_MISMATCH',
    message: `BigQuery wrote ${rows} rows to gs://${artifacts.bucket}/${artifacts.objectPrefix}, and no object is there`,
    hint: 'Nothing was made visible. Run again; see that nothing else deletes under bq_to_postgres/, as a rule for the lifecycle of objects does.',
  });
}

/** Bytes of all the objects. */
export function totalBytes(objects: readonly ObjectInfo[]): number {
  return objects.reduce((sum, object) => sum + object.size, 0);
}
