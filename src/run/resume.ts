import { planSplits } from '../avro/splits.ts';
import { SPLIT_BYTES } from '../load/row-source.ts';
import type { Plan } from '../plan/plan.ts';
import { quoteLiteral, quoteTable } from '../postgres/quoting.ts';
import { readLoadedSplits } from '../state/loaded-splits.ts';
import type { UnfinishedRun } from '../state/unfinished-runs.ts';
import type { Context } from './context.ts';
import { totalBytes } from './export.ts';
import { discardRun, leftoversOf } from './recover.ts';

/** The plan of a run, and the run that it goes on with, if it does. */
export interface PlanToRun {
  readonly plan: Plan;
  readonly resumes: UnfinishedRun | undefined;
}

/**
 * The plan of a run that goes on with the export and the staging table of one that died, if that
 * one planned the same; otherwise what it left is removed, and the fresh plan is the plan. Rows
 * that arrived after the old export are the next increment's.
 */
export async function resumePlan(
  context: Context,
  fresh: Plan,
  unfinished: UnfinishedRun | undefined,
): Promise<PlanToRun> {
  if (unfinished === undefined) return { plan: fresh, resumes: undefined };
  if (!(await canResume(context, fresh, unfinished))) {
    await discardRun(context, unfinished);
    return { plan: fresh, resumes: undefined };
  }
  context.report.info(
    `run ${unfinished.run_id} died while it loaded: this run goes on with its export`,
  );
  const left = leftoversOf(context, unfinished);
  const plan = {
    ...fresh,
    window: { low: undefined, high: unfinished.high ?? undefined },
    objectPrefix: left.objectPrefix,
    jobId: unfinished.job_id ?? fresh.jobId,
    staging: left.staging,
    expectedRows: Number(unfinished.exported_rows ?? fresh.expectedRows),
  };
  return { plan, resumes: unfinished };
}

/** The same plan, its staging table, and every byte of its export as it was. */
async function canResume(
  context: Context,
  fresh: Plan,
  unfinished: UnfinishedRun,
): Promise<boolean> {
  const { bucket, staging, objectPrefix } = leftoversOf(context, unfinished);
  const same = unfinished.plan === fresh.fingerprint && bucket === fresh.bucket;
  if (!same || staging === undefined || fresh.mode !== 'full') return false;
  const { lockedSession, resolved, signal } = context;
  const place = quoteLiteral(quoteTable(staging));
  const [there, done] = await lockedSession.run(async (session) => {
    const [row] = await session.unsafe(`SELECT to_regclass(${place}) IS NOT NULL AS there`);
    const splits = await readLoadedSplits(session, resolved.tables, objectPrefix);
    return [row?.['there'] === true, [...splits.keys()]] as const;
  });
  const objects = await (await context.store()).list(objectPrefix, signal);
  const ids = new Set(planSplits(objects, SPLIT_BYTES).map(({ id }) => id));
  const complete = String(totalBytes(objects)) === unfinished.bytes;
  return there && complete && done.every((id) => ids.has(id));
}
