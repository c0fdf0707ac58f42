import { hostname } from 'node:os';
import { VERSION } from '../cli/version.ts';
import type { Instant } from '../instant.ts';
import type { Plan } from '../plan/plan.ts';
import { tableText } from '../postgres/quoting.ts';
import { inTransaction } from '../postgres/transactions.ts';
import { followUpId } from '../state/advisory-lock.ts';
import { changeOwnRun, requireOurs } from '../state/commit.ts';
import { insertRun, type RunChange, updateRun } from '../state/ledger.ts';
import { migrateState } from '../state/migrate.ts';
import { pruneStatement } from '../state/prune.ts';
import type { UnfinishedRun } from '../state/unfinished-runs.ts';
import { type Context, costOf } from './context.ts';
import { sourceVersionText } from './source-version.ts';
import { watchLocks } from './watch-locks.ts';

/** Makes the state tables where they are missing, or brings those of an older release up to date. */
export async function ensureStateTables(context: Context): Promise<void> {
  const { lockedSession, resolved } = context;
  if (resolved.stateIsCurrent) return;
  await lockedSession.run((session) =>
    watchLocks(session, context, () => migrateState(session, resolved.tables)),
  );
}

/** Writes the run's row, before it reads anything that it will trust: from now on it can be ended by others. */
export async function register({ lockedSession, resolved, run, given, sourceId }: Context) {
  const row = {
    runId: run.id,
    tableName: given.pgTableText,
    target: tableText(resolved.target),
    targetOid: resolved.oid,
    source: sourceId,
    host: hostname(),
    pid: process.pid,
    location: given.location,
    version: VERSION,
  };
  await lockedSession.run(async (session) => {
    await session.unsafe(insertRun(resolved.tables, row));
    await requireOurs(session, resolved.tables, run.id);
  });
  run.registered = true;
}

/**
 * Begins another run in this execution: the increment that follows a resumed full load. Its id goes
 * on from the first one's, by which all sessions of this process are named.
 */
export async function registerFollowUp(context: Context): Promise<void> {
  Object.assign(context.run, {
    id: followUpId(context.run.id),
    registered: false,
    costBefore: context.bigquery.cost,
  });
  context.report.identify({ runId: context.run.id });
  await register(context);
}

/** Ends the row of a run that had nothing to do. */
export async function recordNothingNew(context: Context, low: Instant): Promise<void> {
  const { run, resolved, lockedSession } = context;
  const { tables, target } = resolved;
  const end = { mode: 'incremental', low, status: 'applied', rows: 0, bytes: 0 } as const;
  await lockedSession.run(async (session) => {
    await changeOwnRun(session, tables, run.id, { ...end, ...costOf(context) });
    await session.unsafe(pruneStatement(tables, target));
  });
}

/** Names what the run will leave until it is cleaned up, before there is any of it. */
export async function recordPlan(context: Context, plan: Plan): Promise<void> {
  await recordChange(context, { ...planned(plan), status: 'exporting', exportedAt: 'now()' });
}

/** Changes the run's row. Throws LEDGER_CHANGED where it is gone. */
export async function recordChange(context: Context, change: RunChange): Promise<void> {
  const { run, resolved, lockedSession } = context;
  await lockedSession.run((session) => changeOwnRun(session, resolved.tables, run.id, change));
}

/** In one transaction this run takes over what the one that died has exported and loaded. */
export async function recordResumed(
  context: Context,
  plan: Plan,
  before: UnfinishedRun,
): Promise<void> {
  const { run, resolved, lockedSession, signal } = context;
  const { tables } = resolved;
  const own = {
    ...planned(plan),
    status: 'loading' as const,
    exportedRows: before.exportedRows,
    bytes: before.bytes,
    exportedAt: before.exportedAt ?? 'now()',
    ...(before.sourceVersion !== undefined && { sourceVersion: before.sourceVersion }),
  };
  const error = `resumed by run ${run.id}`;
  const ended = updateRun(tables, before.runId, { status: 'resumed', error, cleaned: true });
  await lockedSession.run((session) =>
    inTransaction(session, signal, async () => {
      await changeOwnRun(session, tables, run.id, own);
      await session.unsafe(ended);
    }),
  );
}

function planned(plan: Plan) {
  return {
    mode: plan.mode,
    low: plan.low,
    artifacts: plan.artifacts,
    plan: plan.fingerprint,
    sourceVersion: sourceVersionText(plan),
    primaryKey: plan.table?.primaryKey ?? plan.key?.columns ?? [],
    cleaned: false,
  };
}
