import { hasCode, messageOf, UnansweredError } from '../errors.ts';
import type { Plan } from '../plan/plan.ts';
import { isRetryable } from '../postgres/server-errors.ts';
import { type RunChange, readRun, updateRun } from '../state/ledger.ts';
import { migrateState } from '../state/migrate.ts';
import type { RunArtifacts } from '../state/run-artifacts.ts';
import { explainStateGone, isStateGone } from '../state/state-tables.ts';
import { cleanUp } from './clean-up.ts';
import { type Context, costOf } from './context.ts';

/**
 * Runs `action`; what it throws while the run has planned nothing yet, so that there is nothing to
 * undo, ends its row in the ledger, and is thrown on. Where that cannot be written, the next run ends
 * the row.
 */
export async function recordFailure<T>(context: Context, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    const { resolved, run } = context;
    const end = `${updateRun(resolved.tables, run.id, endOf(context, error))} AND status = 'started'`;
    const hold = holdOf(context, error);
    await hold((session) => session.unsafe(end)).catch(() => undefined);
    throw error;
  }
}

/** What the row of a run that failed says. */
function endOf(context: Context, error: unknown): RunChange {
  const status = context.signal.aborted ? 'interrupted' : 'failed';
  return { status, error: messageOf(error), ...costOf(context) };
}

/**
 * Runs `action`; what it throws is undone, and thrown on: or, where another run has taken over meanwhile,
 * that, which is why it failed.
 */
export async function undoOnFailure<T>(
  context: Context,
  plan: Plan,
  action: () => Promise<T>,
): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw await undo(context, plan, error);
  }
}

/**
 * After a failure nothing is left, and the ledger tells why. What may pass by itself, such as a lost
 * database or a table that others hold, leaves a full load as it is: the next run resumes it. A
 * failure after the commit is left to the next run, too. Where the ledger's row is gone, the plan
 * knows what is left. Answers what the run failed by.
 */
async function undo(context: Context, plan: Plan, error: unknown): Promise<unknown> {
  const { report, resolved, run } = context;
  const hold = holdOf(context, error);
  try {
    // The clean-up goes by the state tables: new ones take the place of those that are gone.
    if (isStateGone(error)) await hold((session) => migrateState(session, resolved.tables));
    const row = await hold((session) => readRun(session, resolved.tables, run.id));
    if (row !== undefined && row.status !== 'exporting' && row.status !== 'loading') return error;
    if (mayPass(context, error) && plan.mode === 'full' && row?.status === 'loading') {
      const told = updateRun(resolved.tables, run.id, { error: messageOf(error) });
      await hold((session) => session.unsafe(told));
      return error;
    }
    await cleanUp(context, ofLastJob(plan.artifacts, row?.jobId), endOf(context, error));
  } catch (cause) {
    if (hasCode(cause, 'RUN_TAKEN_OVER')) return cause;
    const news = explainStateGone(cause);
    const isNews = hasCode(news, 'LEDGER_CHANGED') && !hasCode(error, 'LEDGER_CHANGED');
    if (isNews && !isStateGone(error)) return await undo(context, plan, news);
    report.warn(`could not clean up: ${messageOf(cause)}; the next run will`);
  }
  return error;
}

/** A database that was tried for ten minutes is not waited for again. */
function holdOf(context: Context, error: unknown) {
  const { lockedSession } = context;
  const hold = mayPass(context, error) ? lockedSession.runOnce : lockedSession.finish;
  return hold.bind(lockedSession);
}

function mayPass({ signal }: Context, error: unknown): boolean {
  const passes = isRetryable(error) || error instanceof UnansweredError;
  return passes && !signal.aborted;
}

/** Only the last try of an export can still be running. */
function ofLastJob(artifacts: RunArtifacts, jobId: string | undefined): RunArtifacts {
  return jobId === undefined ? artifacts : { ...artifacts, jobId };
}
