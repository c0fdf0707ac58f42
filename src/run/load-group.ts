import { instantOfPostgresMicros } from '../instant.ts';
import { type CopyJob, copySplits } from '../load/copy-splits.ts';
import { isRetryable } from '../postgres/server-errors.ts';
import { retry } from '../retry.ts';
import { readLoadedSplits, recordSplits, type SplitStats } from '../state/loaded-splits.ts';
import type { Context } from './context.ts';
import { connectionWarning, rolledBack, type Session } from './locked-session.ts';
import { explainCopyError } from './row-errors/explain.ts';

/**
 * Tries a group of splits until it is in: a lost connection costs only what it had in flight. Each try
 * is a transaction of its own, and the splits' rows in the ledger keep them from being loaded twice.
 * Gives what each split brought, by its id: the same, whichever of the tries brought it.
 */
export async function loadGroup(
  context: Context,
  job: CopyJob,
): Promise<ReadonlyMap<string, SplitStats>> {
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
      onWait: (error) => context.report.warn(connectionWarning(error)),
    },
  );
}

async function tryOnce(
  context: Context,
  job: CopyJob,
  session: Session,
): Promise<ReadonlyMap<string, SplitStats>> {
  const { tables } = context.resolved;
  const { objectPrefix } = job.plan;
  const ids = job.splits.map(({ id }) => id);
  const before = await readLoadedSplits(session, tables, objectPrefix, ids);
  const splits = job.splits.filter(({ id }) => !before.has(id));
  if (splits.length === 0) return before;
  await session.unsafe('BEGIN');
  const { checksums, rows } = await copySplits(session, { ...job, splits }).catch(
    explainCopyError(job.plan, { ...job, splits }),
  );
  const decoded = checksums.reduce((sum, split) => sum + split.rows, 0);
  if (decoded !== rows) throw new Error(`COPY took ${rows} of ${decoded} rows`);
  const max = job.encoder.maxMicros();
  const watermark = max === undefined ? undefined : instantOfPostgresMicros(max);
  const now = new Map(
    checksums.map((checksum, i) => [splits[i]?.id ?? '', { checksum, watermark }]),
  );
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
