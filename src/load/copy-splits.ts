import type { SplitSum } from '../avro/blocks.ts';
import type { Split } from '../avro/splits.ts';
import { openCopy } from '../clients/postgres.ts';
import type { Session } from '../control.ts';
import type { Encoder } from '../copy/encoder.ts';
import { createPump } from '../copy/pump.ts';
import type { RowSource } from '../misfit/find-row.ts';
import { explainRowError } from '../misfit.ts';
import type { Plan } from '../plan.ts';
import { MOST_AHEAD, type ReadAhead } from './read-ahead.ts';

/** What was copied by one COPY. */
export interface Copied {
  /** The sums of its splits, in their order. */
  readonly sums: readonly SplitSum[];
  /** Rows that the server says it took. */
  readonly rows: number;
}

export interface CopyJob extends RowSource {
  readonly plan: Plan;
  readonly statement: string;
  readonly encoder: Encoder;
  /** The splits that will be wanted when these are read. */
  readonly next: () => readonly Split[];
  readonly ahead: ReadAhead;
  /** Rows encoded so far by this COPY. */
  readonly onProgress: (rows: number) => void;
}

/**
 * Copies the rows of some splits, in order, by one COPY. An error fails the COPY and is thrown on; one
 * that a row is to blame for names that row.
 */
export async function copySplits(session: Session, job: CopyJob): Promise<Copied> {
  return await copyRows(session, job).catch(explainRowError(job.plan, job));
}

async function copyRows(session: Session, job: CopyJob): Promise<Copied> {
  const { signal } = job;
  const copy = await openCopy(session, job.statement);
  // A server that takes no more bytes must not keep us from stopping.
  const onAbort = () => copy.abort(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    signal.throwIfAborted();
    const pump = createPump(job.encoder, copy);
    const sums: SplitSum[] = [];
    for (const [index, split] of job.splits.entries()) {
      const blocks = job.ahead.take(split);
      job.ahead.open([...job.splits.slice(index + 1, index + 1 + MOST_AHEAD), ...job.next()]);
      for await (const block of blocks) {
        await pump.push(block);
        job.onProgress(pump.rows);
      }
      sums.push(blocks.sum());
    }
    await pump.flush();
    return { sums, rows: await copy.finish() };
  } catch (error) {
    copy.abort(error as Error);
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
