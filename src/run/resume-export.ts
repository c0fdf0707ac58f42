import { planSplits } from '../avro/splits.ts';
import { SPLIT_BYTES } from '../load/row-source.ts';
import { copyStatement } from '../plan/append-or-upsert.ts';
import type { FullLoadPlan } from '../plan/plan.ts';
import { quoteTable, type TableName } from '../postgres/quoting.ts';
import { readLoadedSplits } from '../state/loaded-splits.ts';
import type { UnfinishedRun } from '../state/unfinished-runs.ts';
import type { Context } from './context.ts';
import { exportedBefore, type PlannedExport, totalBytes } from './export.ts';
import { planRun } from './plan-run.ts';
import { discardRun } from './recover-dead-runs.ts';
import { recordResumed } from './register-run.ts';
import type { SourceState } from './source-state.ts';
import { isMovingOn, isUnchanged } from './source-version.ts';
import { markedRows, rowsIfThere } from './staging-rows.ts';

/** The export of a run that died, with this run's plan for it. */
export interface ResumedExport extends PlannedExport {
  /** Whether the source is as it was when the export began: nothing can have come since. */
  readonly unchanged: boolean;
}

/**
 * The export of the full load that died, if this run would plan the same, all of it is there, and it
 * is no older than it may be; undefined otherwise, and then what it left is removed.
 */
export async function resume(
  context: Context,
  state: SourceState,
  unfinished: UnfinishedRun | undefined,
): Promise<ResumedExport | undefined> {
  if (unfinished === undefined) return undefined;
  const plan = await resumedPlan(context, state, unfinished);
  if (plan === undefined) {
    await discardRun(context, unfinished);
    return undefined;
  }
  const unchanged = isUnchanged(state, unfinished);
  const why = unchanged
    ? 'the source is as it was when it began'
    : 'it is a few hours old at most, and rows have only been added since';
  context.report.info(`run ${unfinished.runId} died while it loaded: resuming its export, ${why}`);
  for (const warning of plan.warnings) context.report.warn(warning);
  await recordResumed(context, plan, unfinished);
  return { plan, exported: await exportedBefore(context, plan, unfinished), unchanged };
}

/** This run's plan with the artifacts of the other; undefined where it cannot go on with them. */
async function resumedPlan(
  context: Context,
  state: SourceState,
  unfinished: UnfinishedRun,
): Promise<FullLoadPlan | undefined> {
  const { artifacts } = unfinished;
  if (state.watermark !== undefined || artifacts?.staging === undefined) return undefined;
  const stillGood =
    isUnchanged(state, unfinished) || (await isMovingOn(context, state, unfinished));
  if (!stillGood) return undefined;
  const fresh = await planRun(context, state, 1);
  const same = unfinished.plan === fresh.fingerprint && artifacts.bucket === fresh.artifacts.bucket;
  if (fresh.mode !== 'full' || !same) return undefined;
  const { staging } = artifacts;
  if (!(await isWhole(context, unfinished, staging))) return undefined;
  return {
    ...fresh,
    artifacts,
    staging,
    copy: copyStatement(quoteTable(staging), fresh.columns, fresh.format),
  };
}

/** The staging table holds what the marks say, and every byte of the export is as it was. */
async function isWhole(
  context: Context,
  { artifacts, bytes }: UnfinishedRun,
  staging: TableName,
): Promise<boolean> {
  const { lockedSession, resolved, signal } = context;
  const { objectPrefix = '', bucket } = artifacts ?? {};
  const marks = await lockedSession.run((session) =>
    readLoadedSplits(session, resolved.tables, objectPrefix),
  );
  const rows = await lockedSession.run((session) => rowsIfThere(session, staging));
  const objects = await (await context.store(bucket)).list(objectPrefix, signal);
  const ids = new Set(planSplits(objects, SPLIT_BYTES).map(({ id }) => id));
  const known = [...marks.keys()].every((id) => ids.has(id));
  return known && rows === markedRows(marks.values()) && totalBytes(objects) === bytes;
}
