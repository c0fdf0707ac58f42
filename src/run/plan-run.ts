import { bucketWarnings } from '../google/bucket-location.ts';
import { type Plan, type PlanRequest, planFullLoad, planIncrement } from '../plan/plan.ts';
import type { Session } from '../postgres/pool.ts';
import { quoteTable, type TableName } from '../postgres/quoting.ts';
import { readTargetTable, type TargetTable } from '../postgres/target-table.ts';
import { inSnapshot } from '../postgres/transactions.ts';
import { type Dependents, readDependents, readWarnings } from '../swap/dependencies/dependents.ts';
import { widenTarget } from './alter-target.ts';
import type { Context } from './context.ts';
import { requireWritable } from './require-writable.ts';
import { explainGone, requireLasting } from './run-refusals.ts';
import type { SourceState } from './source-state.ts';
import { requireNoLaterRows } from './watermark-proof.ts';

/**
 * Reads the target, and decides all that the run will do; `attempt` is 1, and one more each time that
 * the source changed while it was exported. Throws for whatever would not work.
 */
export async function planRun(
  context: Context,
  state: SourceState,
  attempt: number,
): Promise<Plan> {
  const { resolved, given, run, bigquery } = context;
  const { source, watermark, counted } = state;
  const checking = context.store().then((store) => store.checkBucket(context.signal));
  checking.catch(() => undefined); // awaited below
  await widenTarget(context, source);
  const [table, dependents, targetWarnings] = await readTarget(context, watermark === undefined);
  const { location } = await checking;
  const request: PlanRequest = {
    runId: run.id,
    attempt,
    source,
    target: resolved.target,
    table,
    dependents,
    targetWarnings: [...targetWarnings, ...bucketWarnings(source.name, given.bucket, location)],
    counted,
    bucket: given.bucket,
    project: bigquery.projectId,
  };
  if (watermark === undefined) return planFullLoad(request);
  const lasting = requireLasting(context, state, table);
  const plan = planIncrement({ ...request, table: lasting }, watermark);
  await context.lockedSession.run((session) =>
    requireNoLaterRows(session, context, plan, state.tableName),
  );
  const warnings = await requireWritable(context, plan);
  return { ...plan, warnings: [...plan.warnings, ...warnings] };
}

type TargetState = readonly [
  table: TargetTable | undefined,
  dependents: Dependents | undefined,
  warnings: readonly string[],
];

/**
 * All readings are of one snapshot: a change between them would make a plan of two tables. Throws
 * TARGET_CHANGED where something of it is dropped meanwhile.
 */
async function readTarget(context: Context, isFullLoad: boolean): Promise<TargetState> {
  const { lockedSession, resolved } = context;
  const reading = lockedSession.run((session) =>
    inSnapshot(session, () => readInside(session, resolved.target, isFullLoad)),
  );
  return await reading.catch(explainGone(context));
}

async function readInside(
  session: Session,
  target: TableName,
  isFullLoad: boolean,
): Promise<TargetState> {
  const table = await readTargetTable(session, target);
  if (!isFullLoad) return [table, undefined, []];
  const dependents = await readDependents(session, target);
  return [table, dependents, await readWarnings(session, target)];
}

/** What there is to say of a key that has gone since the last run: rows that it would have replaced stay. */
export function keyWarnings(plan: Plan, { lastRun }: SourceState): readonly string[] {
  const before = lastRun.primaryKey ?? [];
  if (plan.mode === 'full' || before.length === 0 || plan.table.primaryKey.length > 0) return [];
  return [
    `${quoteTable(plan.target)} had the primary key (${before.join(', ')}) at the last run and has none now: rows are appended, and no longer replace those of the same key`,
  ];
}
