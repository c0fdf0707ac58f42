import { readBlocks, type SplitSum } from './avro/blocks.ts';
import type { Header } from './avro/header.ts';
import type { Split } from './avro/splits.ts';
import { openCopy } from './clients/postgres.ts';
import type { ObjectStore } from './clients/storage.ts';
import type { Session } from './control.ts';
import type { Encoder } from './copy/encoder.ts';
import { createPump } from './copy/pump.ts';

/** What was copied by one COPY. */
export interface Copied {
  /** The sums of its splits, in their order. */
  readonly sums: readonly SplitSum[];
  /** Rows that the server says it took. */
  readonly rows: number;
}

export interface CopyJob {
  readonly store: ObjectStore;
  readonly statement: string;
  readonly encoder: Encoder;
  readonly splits: readonly Split[];
  readonly headerOf: (split: Split) => Promise<Header>;
  readonly signal: AbortSignal;
  /** Rows encoded so far by this COPY. */
  readonly onProgress: (rows: number) => void;
}

/** Copies the rows of some splits, in order, by one COPY; an error fails the COPY and is thrown on. */
export async function copySplits(session: Session, job: CopyJob): Promise<Copied> {
  const { signal } = job;
  const copy = await openCopy(session, job.statement);
  // A server that takes no more bytes must not keep us from stopping.
  const onAbort = () => copy.abort(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    signal.throwIfAborted();
    const pump = createPump(job.encoder, copy);
    const sums: SplitSum[] = [];
    for (const split of job.splits) {
      const blocks = readBlocks(job.store, await job.headerOf(split), split, signal);
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
