import { messageOf } from '../errors.ts';
import type { Session } from '../postgres/pool.ts';
import { quoteLiteral, quoteTable } from '../postgres/quoting.ts';
import { hasSqlState, LOCK_NOT_AVAILABLE } from '../postgres/sqlstates.ts';
import { type RunChange, updateRun } from '../state/ledger.ts';
import type { RunArtifacts } from '../state/run-artifacts.ts';
import type { Context } from './context.ts';

/** How long the clean-up may take, in milliseconds: it is the next run's if it cannot be done. */
const CLEAN_UP_MS = 60_000;
/** The same after a signal: the process has five seconds for all. */
const CLEAN_UP_AFTER_SIGNAL_MS = 3000;

/**
 * Removes what a run left: staging table, its marks in `sync_splits`, running job, objects; then `end`
 * is written into its row, with whether nothing is left. Staging goes first: nobody resumes a run
 * without it. What cannot be removed is reported as a warning, and is the next run's to remove.
 */
export async function cleanUp(
  context: Context,
  artifacts: RunArtifacts,
  end: RunChange,
  runId = context.run.id,
): Promise<void> {
  const { lockedSession, resolved } = context;
  const signal = deadline(context.signal);
  const dropped = await lockedSession.finish((session) => dropStaging(session, context, artifacts));
  const removed = await removeExport(context, artifacts, signal);
  const change = { ...end, cleaned: dropped && removed };
  await lockedSession.finish((session) =>
    session.unsafe(updateRun(resolved.tables, runId, change)),
  );
}

/** The same for what came with a copy of another database: job and objects are that one's to remove. */
export async function cleanUpCopy(
  context: Context,
  artifacts: RunArtifacts,
  end: RunChange,
  runId: string,
): Promise<void> {
  const { lockedSession, resolved } = context;
  await lockedSession.run(async (session) => {
    const cleaned = await dropStaging(session, context, artifacts);
    await session.unsafe(updateRun(resolved.tables, runId, { ...end, cleaned }));
  });
}

/** Aborted after CLEAN_UP_MS, or soon after a signal. */
function deadline(signal: AbortSignal): AbortSignal {
  const late = new AbortController();
  const hurry = () =>
    setTimeout(() => late.abort(new Error('there was no time left')), CLEAN_UP_AFTER_SIGNAL_MS);
  if (signal.aborted) hurry();
  else signal.addEventListener('abort', hurry, { once: true });
  return AbortSignal.any([late.signal, AbortSignal.timeout(CLEAN_UP_MS)]);
}

/** How long to wait for who holds the staging table, such as a pg_dump, in milliseconds. */
const DROP_WAIT_MS = 3000;

/** In one round trip, and so in one transaction. Answers whether staging and its marks are gone. */
async function dropStaging(
  session: Session,
  { resolved, report }: Context,
  { staging, objectPrefix }: RunArtifacts,
): Promise<boolean> {
  const table = staging === undefined ? undefined : quoteTable(staging);
  const drop = table === undefined ? '' : `DROP TABLE IF EXISTS ${table};`;
  try {
    await session.unsafe(`SET LOCAL client_min_messages = warning;
      SET LOCAL lock_timeout = ${DROP_WAIT_MS}; ${drop}
      DELETE FROM ${quoteTable(resolved.tables.splits)} WHERE object_prefix = ${quoteLiteral(objectPrefix)}`);
    return true;
  } catch (error) {
    if (!hasSqlState(error, LOCK_NOT_AVAILABLE)) throw error;
    report.warn(`could not drop ${table}, which another session holds; the next run tries again`);
    return false;
  }
}

/** The job first: a running one would write more objects. */
async function removeExport(
  context: Context,
  artifacts: RunArtifacts,
  signal: AbortSignal,
): Promise<boolean> {
  const { jobId, location, project, bucket, objectPrefix } = artifacts;
  try {
    if (jobId !== undefined) await context.bigquery.cancel({ jobId, location, project }, signal);
    const store = await context.store(bucket);
    await store.remove(objectPrefix, signal);
    return true;
  } catch (error) {
    context.report.warn(
      `could not remove gs://${bucket}/${objectPrefix}: ${messageOf(error)}; the next run tries again`,
    );
    return false;
  }
}
