import type { SplitSum } from './avro/blocks.ts';
import type { Split } from './avro/splits.ts';
import { isRetryable } from './clients/postgres.ts';
import { retry } from './clients/retry.ts';
import type { Context } from './context.ts';
import { lostText, rolledBack, type Session } from './control.ts';
import { type Instant, instantOfPostgresMicros } from './instant.ts';
import { type CopyJob, copySplits } from './load-split.ts';
import type { Plan } from './plan.ts';
import { readDoneSplits, recordSplit } from './state/splits.ts';

/** What a split brought: the same, whichever of the tries brought it. */
export interface LoadedRow {
  readonly sum: SplitSum;
  readonly watermark: Instant | undefined;
}

/**
 * Tries a split until it is in: a lost connection costs only what it had in flight. Each try is a
 * transaction of its own, and the split's row in the ledger keeps it from being loaded twice.
 */
export async function loadOneSplit(
  context: Context,
  plan: Plan,
  job: CopyJob,
  split: Split,
): Promise<LoadedRow> {
  return await retry(
    async () => {
      const session = await context.sql.reserve();
      let usable = true;
      try {
        return await tryOnce(context, plan, job, split, session);
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
  plan: Plan,
  job: CopyJob,
  split: Split,
  session: Session,
): Promise<LoadedRow> {
  const { tables } = context.ground;
  const done = await readDoneSplits(session, tables, plan.objectPrefix, split.id);
  const before = done.get(split.id);
  if (before !== undefined) return before;
  await session.unsafe('BEGIN');
  const { sums, rows } = await copySplits(session, job);
  const [sum] = sums;
  if (sum === undefined || sum.rows !== rows)
    throw new Error(`COPY took ${rows} of ${sum?.rows} rows`);
  const max = job.encoder.maxMicros();
  const watermark = max === undefined ? undefined : instantOfPostgresMicros(max);
  await session.unsafe(
    `${recordSplit(tables, plan.objectPrefix, split.id, sum, watermark)}; COMMIT`,
  );
  return { sum, watermark };
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
