import { messageOf } from '../errors.ts';
import type { Plan } from '../plan/plan.ts';
import { isRetryable } from '../postgres/server-errors.ts';
import type { RunArtifacts } from '../state/artifacts.ts';
import { readRun, updateRun } from '../state/ledger.ts';
import { cleanUp } from './clean-up.ts';
import { type Context, costOf } from './context.ts';

/** Runs `action`; what it throws is undone, and thrown on. */
export async function undoOnFailure<T>(
  context: Context,
  plan: Plan,
  action: () => Promise<T>,
): Promise<T> {
  try {
    return await action();
  } catch (error) {
    await undo(context, plan, error);
    throw error;
  }
}

/**
 * After a failure nothing is left, and the ledger tells why. What may pass by itself, such as a lost
 * database or a table that others hold, leaves a full load as it is: the next run resumes it. A
 * failure after the commit is left to the next run, too. Where the ledger's row is gone, the plan
 * knows what is left.
 */
async function undo(context: Context, plan: Plan, error: unknown): Promise<void> {
  const { signal, report, resolved, run } = context;
  const mayPass = isRetryable(error) && !signal.aborted;
  const hold = holdOf(context, mayPass);
  try {
    const row = await hold((session) => readRun(session, resolved.tables, run.id));
    if (row !== undefined && row.status !== 'exporting' && row.status !== 'loading') return;
    const told = { error: messageOf(error) };
    if (mayPass && plan.mode === 'full' && row?.status === 'loading') {
      await hold((session) => session.unsafe(updateRun(resolved.tables, run.id, told)));
      return;
    }
    const status = signal.aborted ? 'interrupted' : 'failed';
    await cleanUp(context, ofLastJob(plan.artifacts, row?.jobId), {
      ...told,
      ...costOf(context),
      status,
    });
  } catch (cause) {
    report.warn(`could not clean up: ${messageOf(cause)}; the next run will`);
  }
}

/** A database that was tried for ten minutes is not waited for again. */
function holdOf({ lockedSession, signal }: Context, mayPass: boolean) {
  return mayPass || signal.aborted
    ? lockedSession.runOnce.bind(lockedSession)
    : lockedSession.run.bind(lockedSession);
}

/** Only the last try of an export can still be running. */
function ofLastJob(artifacts: RunArtifacts, jobId: string | undefined): RunArtifacts {
  return jobId === undefined ? artifacts : { ...artifacts, jobId };
}
