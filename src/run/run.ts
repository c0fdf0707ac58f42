import type { Arguments } from '../cli/arguments.ts';
import { hasCode } from '../errors.ts';
import type { Source } from '../google/source.ts';
import type { FullLoadPlan } from '../plan/plan.ts';
import { describeServerError } from '../postgres/server-errors.ts';
import type { Summary } from '../report/summary.ts';
import { type Timings, timed } from '../report/timings.ts';
import type { FoundWatermark } from '../state/commit.ts';
import { explainStateGone } from '../state/state-tables.ts';
import type { UnfinishedRun } from '../state/unfinished-runs.ts';
import { cleanUp } from './clean-up.ts';
import { type Context, openContext, type RunEnvironment } from './context.ts';
import { type Exported, type PlannedExport, planAndExport } from './export.ts';
import { type Loaded, loadFull } from './full-load.ts';
import { loadIncrement } from './increment.ts';
import { discardRun, recover } from './recover-dead-runs.ts';
import { ensureStateTables, recordNothingNew, register, registerFollowUp } from './register-run.ts';
import { resume } from './resume-export.ts';
import { explainTargetError } from './row-errors/explain-target-error.ts';
import { requireLasting } from './run-refusals.ts';
import { applyWatermark } from './set-watermark.ts';
import { describeSource, readSourceState, type SourceState } from './source-state.ts';
import { type Outcome, summarize } from './summarize.ts';
import { buildIndexes, createStaging, swapIn } from './swap-in.ts';
import { recordFailure, undoOnFailure } from './undo-failed-run.ts';

/**
 * One run, from the watermark that is there to the one that is set. Whatever is thrown has left the
 * target as it was.
 */
export async function run(given: Arguments, environment: RunEnvironment): Promise<Summary> {
  return await Promise.race([runToItsEnd(given, environment), lateAfter(environment.signal)]);
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

async function runToItsEnd(given: Arguments, environment: RunEnvironment): Promise<Summary> {
  const timings = timed(environment.report);
  try {
    await using context = await openContext(given, { ...environment, report: timings.report });
    const describing = describeSource(context);
    describing.catch(() => undefined);
    await ensureStateTables(context);
    await register(context);
    return await recordFailure(context, () => runRegistered(context, describing, timings));
  } catch (error) {
    throw describeServerError(explainStateGone(error), given.connection);
  }
}

async function runRegistered(
  context: Context,
  describing: Promise<Source>,
  timings: Timings,
): Promise<Summary> {
  const unfinished = await recover(context);
  const state = await readSourceState(context, describing);
  const outcomes = await transferAll(context, state, unfinished, timings);
  return summarize(context, state, timings, outcomes);
}

/**
 * What is new, from the plan to the watermark. A full load that resumed an older export is followed by
 * the increment since then: a run that ends well has brought all that was there when it began.
 */
async function transferAll(
  context: Context,
  state: SourceState,
  unfinished: UnfinishedRun | undefined,
  timings: Timings,
): Promise<readonly Outcome[]> {
  if (state.watermark !== undefined && state.counted.rows === 0) {
    if (unfinished !== undefined) await discardRun(context, unfinished);
    requireLasting(context, state, state.lastRun.table);
    await recordNothingNew(context, state.watermark);
    return [];
  }
  const resumed = await resume(context, state, unfinished);
  const planned = resumed ?? (await planAndExport(context, state));
  const outcome = await transfer(context, state, planned, timings);
  if (resumed === undefined || resumed.unchanged) return [outcome];
  context.report.info('loading the rows that came since the resumed export');
  await registerFollowUp(context);
  const since = await readSourceState(context, describeSource(context));
  return [outcome, ...(await transferAll(context, since, undefined, timings))];
}

/** From the export to the watermark: everything that has to be undone when it fails. */
async function transfer(
  context: Context,
  state: SourceState,
  { plan, exported }: PlannedExport,
  timings: Timings,
): Promise<Outcome> {
  const found = { tableName: state.tableName, version: state.version, low: plan.low };
  return await undoOnFailure(context, plan, async () => {
    const loading =
      plan.mode === 'full'
        ? loadAndSwap(context, plan, exported, found)
        : loadIncrement(context, plan, exported, found);
    const loaded = await loading.catch((error) => {
      throw explainTargetError(plan, error);
    });
    await applyWatermark(context, plan, loaded, state.tableName, timings);
    await removeExport(context, plan);
    return { plan, loaded, bytes: exported.bytes };
  });
}

/** Rounds of loading, where the server loses rows that it had confirmed. */
const MAX_ROUNDS = 3;

async function loadAndSwap(
  context: Context,
  plan: FullLoadPlan,
  exported: Exported,
  found: FoundWatermark,
): Promise<Loaded> {
  for (let round = 1; ; round += 1) {
    await createStaging(context, plan);
    const loaded = await loadFull(context, plan, exported);
    await buildIndexes(context, plan);
    try {
      return { ...loaded, rowsBefore: await swapIn(context, plan, loaded, found) };
    } catch (error) {
      if (!hasCode(error, 'SPLITS_LOST') || round === MAX_ROUNDS) throw error;
      context.report.warn(`${error.message}; loading them again`);
    }
  }
}

/** The objects have served their purpose; staging is the target by now. */
async function removeExport(context: Context, plan: PlannedExport['plan']): Promise<void> {
  const phase = context.report.phase('clean up');
  await cleanUp(context, { ...plan.artifacts, staging: undefined }, {});
  phase.finish();
}
