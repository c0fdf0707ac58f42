import { ProjectorError } from '../errors.ts';
import { noRowCount } from '../google/bigquery-advice.ts';
import type { ObjectInfo } from '../google/object-info.ts';
import { jobWarnings } from '../google/visibility.ts';
import type { Plan } from '../plan/plan.ts';
import { type RunChange, updateRun } from '../state/ledger.ts';
import type { UnfinishedRun } from '../state/unfinished-runs.ts';
import type { Context } from './context.ts';

/** A complete export: all of its objects, and the rows that BigQuery says it wrote to them. */
export interface Exported {
  readonly objects: readonly ObjectInfo[];
  readonly rows: number;
  readonly bytes: number;
}

/** Jobs that are tried for one export, where BigQuery itself fails them. */
const MAX_JOBS = 4;

/**
 * Runs the export job and lists what it wrote. The ledger names the job before it is started; a
 * job that was started before under its id is waited for, not started again. One that BigQuery
 * failed by a fault of its own is followed by another, under another id and to another place.
 */
export async function exportRows(context: Context, plan: Plan): Promise<Exported> {
  const phase = context.report.phase('export');
  const rows = await runJobs(context, plan);
  const objects = await (await context.store()).list(plan.objectPrefix, context.signal);
  const bytes = totalBytes(objects);
  phase.advance(rows, { rows, bytes });
  await record(context, plan, { status: 'loading', exported_rows: rows, bytes });
  phase.finish();
  return { objects, rows, bytes };
}

/** The export of the run that this one goes on with; nothing is asked of BigQuery. */
export async function exportedBefore(
  context: Context,
  plan: Plan,
  before: UnfinishedRun,
): Promise<Exported> {
  const objects = await (await context.store()).list(plan.objectPrefix, context.signal);
  return { objects, rows: Number(before.exported_rows), bytes: totalBytes(objects) };
}

/** Gives the rows that the job which succeeded wrote. */
async function runJobs(context: Context, plan: Plan): Promise<number> {
  const { bigquery, report, signal } = context;
  const source = plan.source.name;
  for (let number = 1; ; number += 1) {
    const { jobId, sql } = jobOf(plan, number);
    try {
      await bigquery.start(jobId, sql, source);
      const result = await bigquery.exportResult(jobId, source);
      for (const warning of jobWarnings(source, result)) report.warn(warning);
      if (result.rows === undefined) throw noRowCount(jobId);
      return result.rows;
    } catch (error) {
      if (!isJobFailed(error) || number === MAX_JOBS) throw error;
      report.warn(`${error.message}; exporting again by another job`);
      await (await context.store()).remove(plan.objectPrefix, signal);
      await record(context, plan, { job_id: jobOf(plan, number + 1).jobId });
    }
  }
}

/** A further job writes below the same prefix, so that the clean-up finds its objects, too. */
function jobOf(plan: Plan, number: number): { readonly jobId: string; readonly sql: string } {
  if (number === 1) return { jobId: plan.jobId, sql: plan.exportSql };
  const place = `${plan.objectPrefix}${number}/*.avro`;
  return {
    jobId: `${plan.jobId}_${number}`,
    sql: plan.exportSql.replace(`${plan.objectPrefix}*.avro`, () => place),
  };
}

function isJobFailed(error: unknown): error is ProjectorError {
  return error instanceof ProjectorError && error.code === 'JOB_FAILED';
}

async function record(
  { lockedSession, resolved }: Context,
  plan: Plan,
  change: RunChange,
): Promise<void> {
  await lockedSession.run((session) =>
    session.unsafe(updateRun(resolved.tables, plan.runId, change)),
  );
}

/** Bytes of all the objects. */
export function totalBytes(objects: readonly ObjectInfo[]): number {
  return objects.reduce((sum, object) => sum + object.size, 0);
}
