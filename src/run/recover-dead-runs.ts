import { quoteLiteral, quoteTable, tableText } from '../postgres/quoting.ts';
import { parseTableText } from '../postgres/table-name.ts';
import { namePattern, tryLockTarget, unlockTarget } from '../state/advisory-lock.ts';
import { applyRun } from '../state/commit.ts';
import { findWatermark } from '../state/find-watermark.ts';
import { updateRun } from '../state/ledger.ts';
import { readUnfinished, type UnfinishedRun } from '../state/unfinished-runs.ts';
import { readWatermarks } from '../state/watermark.ts';
import { cleanUp, cleanUpCopy } from './clean-up.ts';
import type { Context } from './context.ts';

/**
 * Puts right what earlier runs left when they died: a watermark that lags behind committed rows is
 * rolled forward, exports and staging tables of increments are removed, and so is what could not be
 * removed before, however old. Answers the last full load that another run might resume; it is left as
 * it is.
 */
export async function recover(context: Context): Promise<UnfinishedRun | undefined> {
  const { lockedSession, resolved, run: own } = context;
  const runs = await lockedSession.run((session) =>
    readUnfinished(session, resolved.tables, resolved.target, own.id),
  );
  let resumable: UnfinishedRun | undefined;
  for (const run of runs) {
    if (run.target !== tableText(resolved.target)) {
      await cleanUpOrphan(context, run);
      continue;
    }
    if (!mayResume(run)) {
      await settle(context, run);
      continue;
    }
    if (resumable !== undefined) await discardRun(context, resumable);
    resumable = run;
    await endSessions(context, run);
  }
  return resumable;
}

/** Ends a run that is not to be resumed. */
async function settle(context: Context, run: UnfinishedRun): Promise<void> {
  await endSessions(context, run);
  if (run.status === 'committed') await rollForward(context, run);
  else if (IN_PROGRESS.has(run.status)) await discardRun(context, run);
  else await cleanUpRun(context, run, {});
}

const IN_PROGRESS: ReadonlySet<string> = new Set(['started', 'exporting', 'loading']);

/** A run of a table that is gone, or had another name then: its own lock tells whether it is still at work. */
async function cleanUpOrphan(context: Context, run: UnfinishedRun): Promise<void> {
  const target = parseTableText(run.target);
  const locked = await context.lockedSession.run((session) => tryLockTarget(session, target));
  if (!locked) return;
  try {
    await endSessions(context, run);
    const end = IN_PROGRESS.has(run.status) ? DIED : run.status === 'committed' ? ENDED : {};
    await cleanUpRun(context, run, end);
  } finally {
    await context.lockedSession.run((session) => unlockTarget(session, target));
  }
}

const DIED = {
  status: 'died',
  error: 'ended before committing; cleaned up by a later run',
} as const;
const ENDED = { status: 'applied' } as const;

/**
 * Ends what is left of a run's sessions: those with its name, and whatever writes to its staging table,
 * for the connection string may give another name. We hold its lock, so it has none; but a session that
 * waits or builds an index notices late that its client is gone, and a run that lost its lock must not
 * write on into what is another's now.
 */
async function endSessions({ lockedSession }: Context, run: UnfinishedRun): Promise<void> {
  const staging = run.artifacts?.staging;
  const place = staging === undefined ? 'NULL' : quoteLiteral(quoteTable(staging));
  await lockedSession.run((session) =>
    session.unsafe(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity AS a
      WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
        AND (application_name LIKE ${quoteLiteral(namePattern(run.runId))} OR EXISTS (
          SELECT FROM pg_locks AS l WHERE l.pid = a.pid AND (l.relation = to_regclass(${place})
              OR l.relation IN (SELECT relid FROM pg_partition_tree(to_regclass(${place}))))
            AND l.database = a.datid AND l.mode <> 'AccessShareLock'))`),
  );
}

function mayResume({ mode, status, artifacts, ours }: UnfinishedRun): boolean {
  return mode === 'full' && status === 'loading' && artifacts?.staging !== undefined && ours;
}

async function rollForward(context: Context, run: UnfinishedRun): Promise<void> {
  const { lockedSession, resolved, report, given } = context;
  const { tables, target, bareSchema } = resolved;
  const { runId, watermark } = run;
  report.info(`run ${runId} ended after its commit: setting its watermark`, { watermark });
  const outcome = await lockedSession.run(async (session) => {
    const rows = await readWatermarks(session, tables);
    const named = { text: given.pgTableText, target, bareSchema, meant: undefined };
    const { tableName } = findWatermark(tables, named, rows);
    return await applyRun(session, tables, { runId, tableName, watermark });
  });
  if (outcome !== 'set') report.warn(`the watermark was changed since run ${runId}: it is left`);
  await cleanUpRun(context, run, {});
}

/** Removes what a run that ended before its commit left, and says so in the ledger. */
export async function discardRun(context: Context, run: UnfinishedRun): Promise<void> {
  if (run.status !== 'started') {
    context.report.info(
      `run ${run.runId} ended before committing; removing its job, objects and staging table`,
    );
  }
  await cleanUpRun(context, run, DIED);
}

/** What came with a copy of another database is that one's to clean up: its run may be alive. */
async function cleanUpRun(
  context: Context,
  run: UnfinishedRun,
  end: Parameters<typeof cleanUp>[2],
): Promise<void> {
  const { lockedSession, resolved } = context;
  const { artifacts } = run;
  if (artifacts !== undefined) {
    await (run.ours ? cleanUp : cleanUpCopy)(context, artifacts, end, run.runId);
    return;
  }
  const update = updateRun(resolved.tables, run.runId, { ...end, cleaned: true });
  await lockedSession.run((session) => session.unsafe(update));
}
