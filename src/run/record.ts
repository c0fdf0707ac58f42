import { hostname } from 'node:os';
import { sourceText } from '../google/source-name.ts';
import type { Instant } from '../instant.ts';
import type { Plan } from '../plan/plan.ts';
import { tableText } from '../postgres/quoting.ts';
import { insertRun, type NewRun, updateRun } from '../state/ledger.ts';
import type { UnfinishedRun } from '../state/unfinished-runs.ts';
import type { Context } from './context.ts';

/** One row a run, also of those that had nothing to do. */
export async function recordNothingNew(context: Context, low: Instant): Promise<void> {
  const { tables } = context.resolved;
  const none = { objectPrefix: undefined, jobId: undefined, staging: undefined, plan: undefined };
  const row = { ...newRun(context), ...none, mode: 'incremental', low, high: undefined } as const;
  const sql = `${insertRun(tables, { ...row, status: 'applied' })};
    ${updateRun(tables, context.runId, { status: 'applied', rows: 0, bytes: 0 })}`;
  await context.lockedSession.run((session) => session.unsafe(sql));
}

/** The row is there before there is anything to clean up. */
export async function recordStart(context: Context, plan: Plan): Promise<void> {
  const row = { ...plannedRun(context, plan), status: 'exporting' } as const;
  await context.lockedSession.run((session) =>
    session.unsafe(insertRun(context.resolved.tables, row)),
  );
}

/** In one transaction this run takes over what the one that died has exported and loaded. */
export async function recordResumed(
  context: Context,
  plan: Plan,
  before: UnfinishedRun,
): Promise<void> {
  const { tables } = context.resolved;
  const row = {
    ...plannedRun(context, plan),
    status: 'loading',
    exportedRows: Number(before.exported_rows),
    bytes: Number(before.bytes),
  } as const;
  const error = `taken up by run ${plan.runId}`;
  const ended = updateRun(tables, before.run_id, { status: 'resumed', error, cleaned: true });
  await context.lockedSession.run((session) =>
    session.unsafe(['BEGIN', insertRun(tables, row), ended, 'COMMIT'].join('; ')),
  );
}

function plannedRun(context: Context, plan: Plan): Omit<NewRun, 'status'> {
  return {
    ...newRun(context),
    mode: plan.mode,
    ...plan.window,
    objectPrefix: `gs://${plan.bucket}/${plan.objectPrefix}`,
    jobId: plan.jobId,
    staging: plan.staging?.name,
    plan: plan.fingerprint,
  };
}

/** What every row of the ledger says. */
function newRun({ runId, given, resolved, source }: Context) {
  return {
    runId,
    tableName: given.pgTableText,
    target: tableText(resolved.target),
    source: sourceText(source),
    host: hostname(),
    pid: process.pid,
    location: given.location,
  };
}
