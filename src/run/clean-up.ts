import { messageOf } from '../errors.ts';
import { quoteLiteral, quoteTable } from '../postgres/quoting.ts';
import type { RunArtifacts } from '../state/artifacts.ts';
import { type RunChange, updateRun } from '../state/ledger.ts';
import type { StateTables } from '../state/state-tables.ts';
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
  const hold = context.signal.aborted
    ? lockedSession.runOnce.bind(lockedSession)
    : lockedSession.run.bind(lockedSession);
  const signal = deadline(context.signal);
  await hold((session) => session.unsafe(dropStaging(resolved.tables, artifacts)));
  const cleaned = await removed(context, artifacts, signal);
  await hold((session) => session.unsafe(updateRun(resolved.tables, runId, { ...end, cleaned })));
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

/** In one round trip, and so in one transaction. */
function dropStaging(tables: StateTables, { staging, objectPrefix }: RunArtifacts): string {
  const drop = staging === undefined ? '' : `DROP TABLE IF EXISTS ${quoteTable(staging)};`;
  return `SET LOCAL client_min_messages = warning; ${drop}
    DELETE FROM ${quoteTable(tables.splits)} WHERE object_prefix = ${quoteLiteral(objectPrefix)}`;
}

/** The job first: a running one would write more objects. */
async function removed(
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
