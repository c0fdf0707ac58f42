import { isRetryable } from '../clients/postgres.ts';
import { retry } from '../clients/retry.ts';
import type { Context } from '../context.ts';
import { lostText, rolledBack, type Session } from '../control.ts';
import { instantOfPostgresMicros } from '../instant.ts';
import { type DoneSplit, readDoneSplits, recordSplits } from '../state/splits.ts';
import { type CopyJob, copySplits } from './copy-splits.ts';

/**
 * Tries a group of splits until it is in: a lost connection costs only what it had in flight. Each try
 * is a transaction of its own, and the splits' rows in the ledger keep them from being loaded twice.
 * Gives what each split brought, by its id: the same, whichever of the tries brought it.
 */
export async function loadGroup(
  context: Context,
  job: CopyJob,
): Promise<ReadonlyMap<string, DoneSplit>> {
  return await retry(
    async () => {
      const session = await context.sql.reserve();
      let usable = true;
      try {
        return await tryOnce(context, job, session);
      } catch (error) {
        // A failed transaction must not come back with the connection, nor a stuck one at all.
        usable = await rolledBack(session);
        throw error;
      } finally {
        if (usable) session.release();
      }
    },
    {
      signal: job.signal,
      isRetryable: (error) => isPassing(error) || loadedElsewhere(error),
      onWait: (error) => context.report.warn(lostText(error)),
    },
  );
}

async function tryOnce(
  context: Context,
  job: CopyJob,
  session: Session,
): Promise<ReadonlyMap<string, DoneSplit>> {
  const { tables } = context.ground;
  const { objectPrefix } = job.plan;
  const ids = job.splits.map(({ id }) => id);
  const before = await readDoneSplits(session, tables, objectPrefix, ids);
  const splits = job.splits.filter(({ id }) => !before.has(id));
  if (splits.length === 0) return before;
  await session.unsafe('BEGIN');
  const { sums, rows } = await copySplits(session, { ...job, splits });
  const decoded = sums.reduce((sum, split) => sum + split.rows, 0);
  if (decoded !== rows) throw new Error(`COPY took ${rows} of ${decoded} rows`);
  const max = job.encoder.maxMicros();
  const watermark = max === undefined ? undefined : instantOfPostgresMicros(max);
  const now = new Map(sums.map((sum, i) => [splits[i]?.id ?? '', { sum, watermark }]));
  await session.unsafe(`${recordSplits(tables, objectPrefix, now)}; COMMIT`);
  return new Map([...before, ...now]);
}

/** A server without memory would be asked for it again and again. */
function isPassing(error: unknown): boolean {
  return isRetryable(error) && codeOf(error) !== OUT_OF_MEMORY;
}

/**
 * The backend of a connection that was lost may still have been at its COMMIT when the ledger was
 * asked: then the ledger's key refuses the second copy, and the next try finds the first.
 */
function loadedElsewhere(error: unknown): boolean {
  const { table_name: table } = error as { table_name?: unknown };
  return codeOf(error) === UNIQUE_VIOLATION && table === 'sync_splits';
}

const OUT_OF_MEMORY = '53200';
const UNIQUE_VIOLATION = '23505';

function codeOf(error: unknown): string {
  return String((error as { code?: unknown }).code);
}
