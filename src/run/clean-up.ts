import { messageOf } from '../errors.ts';
import { quoteLiteral, quoteTable, type TableName } from '../postgres/quoting.ts';
import { type RunChange, updateRun } from '../state/ledger.ts';
import type { Context } from './context.ts';

/** What a run leaves in the three services until it is cleaned up. */
export interface Leftovers {
  readonly runId: string;
  readonly jobId: string | undefined;
  readonly location: string;
  readonly bucket: string;
  readonly objectPrefix: string;
  readonly staging: TableName | undefined;
}

/** How long the clean-up may take, in milliseconds: it is the next run's if it cannot be done. */
const CLEAN_UP_MS = 60_000;
/** The same after a signal: the process has five seconds for all. */
const CLEAN_UP_AFTER_SIGNAL_MS = 3000;

/**
 * Removes what a run left: staging table, the ledger's rows on splits, running job, objects; then
 * `end` is written into its row, with whether nothing is left. Staging goes first: nobody resumes a
 * run without it. What cannot be removed is told as a warning, and is the next run's to remove.
 */
export async function cleanUp(context: Context, left: Leftovers, end: RunChange): Promise<void> {
  const { lockedSession, resolved } = context;
  const hold = context.signal.aborted ? lockedSession.runOnce : lockedSession.run;
  const signal = deadline(context.signal);
  await hold((session) => session.unsafe(dropStaging(context, left)));
  const cleaned = await removed(context, left, signal);
  await hold((session) =>
    session.unsafe(updateRun(resolved.tables, left.runId, { ...end, cleaned })),
  );
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
function dropStaging({ resolved }: Context, { staging, objectPrefix }: Leftovers): string {
  const drop = staging === undefined ? '' : `DROP TABLE IF EXISTS ${quoteTable(staging)};`;
  return `SET LOCAL client_min_messages = warning; ${drop}
    DELETE FROM ${quoteTable(resolved.tables.splits)} WHERE object_prefix = ${quoteLiteral(objectPrefix)}`;
}

/** The job first: a running one would write more objects. */
async function removed(context: Context, left: Leftovers, signal: AbortSignal): Promise<boolean> {
  const { jobId, location, bucket, objectPrefix } = left;
  try {
    if (jobId !== undefined) await context.bigquery.cancel(jobId, location, signal);
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
