import type { Arguments } from '../cli/arguments.ts';
import { messageOf } from '../errors.ts';
import { jobWarnings } from '../google/visibility.ts';
import type { Plan } from '../plan/plan.ts';
import { describeServerError, isRetryable } from '../postgres/server-errors.ts';
import type { Summary } from '../report/summary.ts';
import { type Timings, timed } from '../report/timed.ts';
import { applyRun, readRun, updateRun } from '../state/ledger.ts';
import { explainViolation } from '../swap/violations.ts';
import { cleanUp } from './clean-up.ts';
import type { RunEnvironment } from './context.ts';
import { type Context, openContext } from './context.ts';
import { type Exported, exportedBefore, exportRows } from './export.ts';
import { type Loaded, loadFull } from './full-load.ts';
import { loadIncrement } from './increment.ts';
import { recordNothingNew, recordResumed, recordStart } from './record.ts';
import { discardRun, recover } from './recover.ts';
import { type PlanToRun, resumePlan } from './resume.ts';
import { describeSource, ensureStateTables, planRun, readSourceState } from './source-state.ts';
import { summarize } from './summarize.ts';
import { buildIndexes, createStaging, swapIn } from './swap-in.ts';

/**
 * One run, from the watermark that is there to the one that is set. Whatever is thrown has left the
 * target as it was.
 */
export async function run(given: Arguments, world: RunEnvironment): Promise<Summary> {
  return await Promise.race([runToItsEnd(given, world), lateAfter(world.signal)]);
}

/** How long a run may take to end in good order after a signal: with the rest, less than 5 s. */
const LATEST_MS = 4500;

/** Rejects some time after the signal: a network that stalls must not keep the process. */
async function lateAfter(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  const late = () => setTimeout(() => reject(signal.reason), LATEST_MS);
  if (signal.aborted) late();
  else signal.addEventListener('abort', late, { once: true });
  return await promise;
}

async function runToItsEnd(given: Arguments, world: RunEnvironment): Promise<Summary> {
  const timings = timed(world.report);
  try {
    await using context = await openContext(given, { ...world, report: timings.report });
    const describing = describeSource(context);
    describing.catch(() => undefined);
    await ensureStateTables(context);
    const unfinished = await recover(context);
    const survey = await readSourceState(context, describing);
    if (survey.watermark !== undefined && survey.newRows === 0) {
      for (const warning of jobWarnings(survey.source.name, survey.visibility))
        context.report.warn(warning);
      if (unfinished !== undefined) await discardRun(context, unfinished);
      await recordNothingNew(context, survey.watermark);
      return summarize(context, survey, timings);
    }
    const fresh = await planRun(context, survey);
    const toRun = await resumePlan(context, fresh, unfinished);
    for (const warning of toRun.plan.warnings) context.report.warn(warning);
    const { loaded, bytes } = await transfer(context, toRun, timings);
    return summarize(context, survey, timings, { plan: toRun.plan, loaded, bytes });
  } catch (error) {
    throw describeServerError(error, given.connection);
  }
}

interface Transferred {
  readonly loaded: Loaded;
  readonly bytes: number;
}

/** From the ledger's first mark to the last: everything that has to be undone when it fails. */
async function transfer(
  context: Context,
  { plan, resumes }: PlanToRun,
  timings: Timings,
): Promise<Transferred> {
  try {
    if (resumes === undefined) await recordStart(context, plan);
    else await recordResumed(context, plan, resumes);
    const exported = await (resumes === undefined
      ? exportRows(context, plan)
      : exportedBefore(context, plan, resumes));
    const loaded = await (plan.staging === undefined
      ? loadIncrement(context, plan, exported)
      : loadAndSwap(context, plan, exported, plan.staging)
    ).catch((error) => {
      throw explainViolation(error, plan.target);
    });
    await applyWatermark(context, plan, loaded, timings);
    await removeExport(context, plan);
    return { loaded, bytes: exported.bytes };
  } catch (error) {
    await undo(context, plan, error);
    throw error;
  }
}

async function loadAndSwap(
  context: Context,
  plan: Plan,
  exported: Exported,
  staging: NonNullable<Plan['staging']>,
): Promise<Loaded> {
  await createStaging(context, plan, staging);
  const loaded = await loadFull(context, plan, exported, staging);
  await buildIndexes(context, plan, staging);
  await swapIn(context, plan, staging, loaded);
  return loaded;
}

/**
 * After the commit, so that a watermark never promises rows that are not there; after a signal as
 * well, so that the rows are not there without it.
 */
async function applyWatermark(
  { lockedSession, resolved, signal }: Context,
  plan: Plan,
  { watermark }: Loaded,
  { seconds }: Timings,
): Promise<void> {
  const { runId, tableName, mode } = plan;
  const apply = applyRun(resolved.tables, { runId, tableName, mode, watermark, seconds });
  const hold = signal.aborted ? lockedSession.runOnce : lockedSession.run;
  await hold((session) => session.unsafe(apply));
}

/** The objects have done their duty; staging is the target by now. */
async function removeExport(context: Context, plan: Plan): Promise<void> {
  const phase = context.report.phase('clean up');
  await cleanUp(context, leftovers(context, plan, undefined, undefined), {});
  phase.finish();
}

/**
 * After a failure nothing is left, and the ledger tells why. What may pass by itself, such as a lost
 * database or a table that others hold, leaves a full load as it is: the next run goes on with it. A
 * failure after the commit is left to the next run, too.
 */
async function undo(context: Context, plan: Plan, error: unknown): Promise<void> {
  const { signal, lockedSession, resolved, report } = context;
  const mayPass = isRetryable(error) && !signal.aborted;
  // A database that was tried for ten minutes is not waited for again.
  const hold = mayPass || signal.aborted ? lockedSession.runOnce : lockedSession.run;
  try {
    const row = await hold((session) => readRun(session, resolved.tables, plan.runId));
    if (row?.status !== 'exporting' && row?.status !== 'loading') return;
    const told = { error: messageOf(error) };
    if (mayPass && plan.mode === 'full' && row.status === 'loading') {
      await hold((session) => session.unsafe(updateRun(resolved.tables, plan.runId, told)));
      return;
    }
    const status = signal.aborted ? 'interrupted' : 'failed';
    const left = leftovers(context, plan, row.job_id ?? plan.jobId, plan.staging);
    await cleanUp(context, left, { ...told, status });
  } catch (cause) {
    report.warn(`could not clean up: ${messageOf(cause)}; the next run will`);
  }
}

function leftovers(
  context: Context,
  { runId, bucket, objectPrefix }: Plan,
  jobId: string | undefined,
  staging: Plan['staging'],
) {
  return { runId, jobId, location: context.given.location, bucket, objectPrefix, staging };
}
