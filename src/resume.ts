import type { Context } from './context.ts';
import { quoteLiteral, quoteTable } from './identifiers.ts';
import type { Plan } from './plan.ts';
import { discardRun, leftoversOf } from './recover.ts';
import { type UnfinishedRun, updateRun } from './state/ledger.ts';

/**
 * The plan of a run that goes on with the export and the staging table of one that died, if that
 * one planned the same; otherwise what it left is removed, and the fresh plan is the plan. Rows
 * that arrived after the old export are the next increment's.
 */
export async function resumePlan(
  context: Context,
  fresh: Plan,
  unfinished: UnfinishedRun | undefined,
): Promise<Plan> {
  if (unfinished === undefined) return fresh;
  if (!(await canResume(context, fresh, unfinished))) {
    await discardRun(context, unfinished);
    return fresh;
  }
  const { control, ground, report } = context;
  report.info(`run ${unfinished.run_id} died while it loaded: this run goes on with its export`);
  const left = leftoversOf(context, unfinished);
  const ended = { status: 'resumed', error: `taken up by run ${fresh.runId}` } as const;
  await control.run((session) =>
    session.unsafe(updateRun(ground.tables, unfinished.run_id, ended)),
  );
  return {
    ...fresh,
    window: { low: undefined, high: unfinished.high ?? undefined },
    objectPrefix: left.objectPrefix,
    jobId: unfinished.job_id ?? fresh.jobId,
    staging: left.staging,
    expectedRows: Number(unfinished.exported_rows ?? fresh.expectedRows),
  };
}

async function canResume(
  context: Context,
  fresh: Plan,
  unfinished: UnfinishedRun,
): Promise<boolean> {
  const { bucket, staging } = leftoversOf(context, unfinished);
  if (unfinished.plan !== fresh.fingerprint || bucket !== fresh.bucket || staging === undefined) {
    return false;
  }
  const place = quoteLiteral(quoteTable(staging));
  const [row] = await context.sql.unsafe(`SELECT to_regclass(${place}) IS NOT NULL AS there`);
  const objects = await (await context.store()).list(
    leftoversOf(context, unfinished).objectPrefix,
    context.signal,
  );
  return row?.['there'] === true && objects.length > 0;
}
