import { hostname } from 'node:os';
import type { Arguments } from './arguments.ts';
import { cleanUp } from './clean-up.ts';
import type { RunWorld } from './cli.ts';
import { describeServerError, isRetryable } from './clients/postgres.ts';
import { type Context, openContext } from './context.ts';
import { messageOf, ProjectorError } from './errors.ts';
import { exportRows } from './export.ts';
import type { Instant } from './instant.ts';
import { type Loaded, loadFull } from './load-full.ts';
import { loadIncrement } from './load-increment.ts';
import type { Plan } from './plan.ts';
import { discardRun, recover, targetText } from './recover.ts';
import type { Summary } from './report/summary.ts';
import { timed } from './report/timed.ts';
import { resumePlan } from './resume.ts';
import { sourceText } from './source.ts';
import { insertRun, updateRun } from './state/ledger.ts';
import { setWatermark } from './state/watermark.ts';
import { summarize } from './summarize.ts';
import { describeSource, planRun, prepareState, surveySource } from './survey.ts';
import { createStaging, dress, swapIn } from './swap-in.ts';

/**
 * One run, from the watermark that is there to the one that is set. Whatever is thrown has left the
 * target as it was.
 */
export async function run(given: Arguments, world: RunWorld): Promise<Summary> {
  const timings = timed(world.report);
  try {
    await using context = await openContext(given, { ...world, report: timings.report });
    const describing = describeSource(context);
    describing.catch(() => undefined);
    await prepareState(context);
    const unfinished = await recover(context);
    const survey = await surveySource(context, describing);
    if (survey.watermark !== undefined && survey.newRows === 0) {
      if (unfinished !== undefined) await discardRun(context, unfinished);
      await recordNothingNew(context, survey.watermark);
      return summarize(context, survey, timings);
    }
    const fresh = await planRun(context, survey);
    const plan = await resumePlan(context, fresh, unfinished);
    for (const warning of plan.warnings) context.report.warn(warning);
    const { loaded, bytes } = await project(context, plan);
    return summarize(context, survey, timings, { plan, loaded, bytes });
  } catch (error) {
    throw error instanceof ProjectorError ? error : describeServerError(error, given.connection);
  }
}

interface Projected {
  readonly loaded: Loaded;
  readonly bytes: number;
}

/** From the ledger's first mark to the last: everything that has to be undone when it fails. */
async function project(context: Context, plan: Plan): Promise<Projected> {
  await recordStart(context, plan);
  try {
    const exported = await exportRows(context, plan);
    const loaded = await (plan.staging === undefined
      ? loadIncrement(context, plan, exported)
      : loadAndSwap(context, plan, exported, plan.staging));
    await applyWatermark(context, plan, loaded);
    await removeLeftovers(context, plan, undefined);
    return { loaded, bytes: exported.bytes };
  } catch (error) {
    await undo(context, plan, error);
    throw error;
  }
}

async function loadAndSwap(
  context: Context,
  plan: Plan,
  exported: Parameters<typeof loadFull>[2],
  staging: NonNullable<Plan['staging']>,
): Promise<Loaded> {
  await createStaging(context, plan, staging);
  const loaded = await loadFull(context, plan, exported, staging);
  await dress(context, plan, staging);
  await swapIn(context, plan, staging, loaded);
  return loaded;
}

/** One row a run, also of those that had nothing to do. */
async function recordNothingNew(context: Context, low: Instant): Promise<void> {
  const { tables } = context.ground;
  const none = { objectPrefix: undefined, jobId: undefined, staging: undefined, plan: undefined };
  const row = { ...newRun(context), ...none, mode: 'incremental', low, high: undefined } as const;
  const sql = `${insertRun(tables, { ...row, status: 'applied' })};
    ${updateRun(tables, context.runId, { status: 'applied', rows: 0, bytes: 0 })}`;
  await context.control.run((session) => session.unsafe(sql));
}

/** What every row of the ledger says. */
function newRun({ runId, given, ground, source }: Context) {
  return {
    runId,
    tableName: given.pgTableText,
    target: targetText(ground.target),
    source: sourceText(source),
    host: hostname(),
    pid: process.pid,
    location: given.location,
  };
}

/** The row is there before there is anything to clean up. */
async function recordStart(context: Context, plan: Plan): Promise<void> {
  const row = insertRun(context.ground.tables, {
    ...newRun(context),
    mode: plan.mode,
    ...plan.window,
    status: 'exporting',
    objectPrefix: `gs://${plan.bucket}/${plan.objectPrefix}`,
    jobId: plan.jobId,
    staging: plan.staging?.name,
    plan: plan.fingerprint,
  });
  await context.control.run((session) => session.unsafe(row));
}

/** After the commit, so that a watermark never promises rows that are not there. */
async function applyWatermark(context: Context, plan: Plan, loaded: Loaded): Promise<void> {
  const { control, ground } = context;
  const { tables } = ground;
  const advances = plan.mode === 'full' || loaded.watermark !== undefined;
  const statements = [
    ...(advances ? [setWatermark(tables, plan.tableName, loaded.watermark)] : []),
    updateRun(tables, plan.runId, { status: 'applied' }),
  ];
  await control.run((session) => session.unsafe(['BEGIN', ...statements, 'COMMIT'].join('; ')));
}

/**
 * After a failure nothing is left, and the ledger tells why. Two cases are left to the next run: a
 * lost database (a full load can go on from there), and a failure after the commit.
 */
async function undo(context: Context, plan: Plan, error: unknown): Promise<void> {
  const { signal, sql, ground, report } = context;
  if (isRetryable(error) && !signal.aborted) return;
  const status = signal.aborted ? 'interrupted' : 'failed';
  try {
    const [row] = await sql.unsafe(
      `${updateRun(ground.tables, plan.runId, { status, error: messageOf(error) })} AND status NOT IN ('committed', 'applied') RETURNING run_id`,
    );
    if (row !== undefined) await removeLeftovers(context, plan, plan.jobId);
  } catch (cause) {
    report.warn(`could not write the failure into the ledger: ${messageOf(cause)}`);
  }
}

async function removeLeftovers(
  context: Context,
  plan: Plan,
  jobId: string | undefined,
): Promise<void> {
  const { bucket, objectPrefix } = plan;
  const staging = jobId === undefined ? undefined : plan.staging;
  const { location } = context.given;
  const phase = context.report.phase('clean up');
  await cleanUp(context, { jobId, location, bucket, objectPrefix, staging });
  phase.finish();
}
