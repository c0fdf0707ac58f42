import { createStorage, openStorage } from './clients/storage.ts';
import type { Context } from './context.ts';
import { messageOf } from './errors.ts';
import { quoteLiteral, quoteTable, type TableName } from './identifiers.ts';

/** What a run leaves in the three services until it is cleaned up. */
export interface Leftovers {
  readonly jobId: string | undefined;
  readonly location: string;
  readonly bucket: string;
  readonly objectPrefix: string;
  readonly staging: TableName | undefined;
}

/** How long all of the clean-up after a signal may take, in milliseconds. */
const CLEAN_UP_MS = 4000;

/**
 * Removes what a run left: running job, objects, staging table, and the ledger's rows on splits.
 * What cannot be removed is told as a warning and left to the next run and the bucket's lifecycle.
 */
export async function cleanUp(context: Context, left: Leftovers): Promise<boolean> {
  const signal = context.signal.aborted
    ? AbortSignal.timeout(CLEAN_UP_MS)
    : AbortSignal.any([AbortSignal.timeout(600_000)]);
  const results = await Promise.all([
    attempt(context, `cancel job ${left.jobId}`, () => removeExport(context, left, signal)),
    attempt(context, 'drop the staging table', () => dropStaging(context, left)),
  ]);
  return results.every(Boolean);
}

async function attempt(
  context: Context,
  what: string,
  action: () => Promise<void>,
): Promise<boolean> {
  try {
    await action();
    return true;
  } catch (error) {
    context.report.warn(`could not ${what}: ${messageOf(error)}`);
    return false;
  }
}

/** The job first: a running one would write more objects. */
async function removeExport(context: Context, left: Leftovers, signal: AbortSignal): Promise<void> {
  if (left.jobId !== undefined) await context.warehouse.cancel(left.jobId, left.location);
  const same = left.bucket === context.given.bucket;
  const store = same ? await context.store() : openStorage(await createStorage(), left.bucket);
  await store.remove(left.objectPrefix, signal);
}

async function dropStaging(context: Context, left: Leftovers): Promise<void> {
  const { sql, ground } = context;
  const drop =
    left.staging === undefined ? '' : `DROP TABLE IF EXISTS ${quoteTable(left.staging)};`;
  await sql.unsafe(`SET client_min_messages = warning; ${drop}
    DELETE FROM ${quoteTable(ground.tables.splits)} WHERE object_prefix = ${quoteLiteral(left.objectPrefix)}`);
}
