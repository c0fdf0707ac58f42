import type { SplitChecksum } from '../avro/blocks.ts';
import type { Split } from '../avro/splits.ts';
import type { Encoder } from '../copy/encoder.ts';
import { createPump } from '../copy/pump.ts';
import type { Plan } from '../plan/plan.ts';
import { openCopy } from '../postgres/copy-stream.ts';
import type { Session } from '../postgres/pool.ts';
import { MOST_AHEAD, type ReadAhead } from './read-ahead.ts';
import type { RowSource } from './row-source.ts';

/** What was copied by one COPY. */
export interface Copied {
  /** The sums of its splits, in their order. */
  readonly checksums: readonly SplitChecksum[];
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

/** Copies the rows of some splits, in order, by one COPY. An error fails the COPY and is thrown on. */
export async function copySplits(session: Session, job: CopyJob): Promise<Copied> {
  const { signal } = job;
  const copy = await openCopy(session, job.statement);
  // A server that takes no more bytes must not keep us from stopping.
  const onAbort = () => copy.abort(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    signal.throwIfAborted();
    const pump = createPump(job.encoder, copy);
    const checksums: SplitChecksum[] = [];
    for (const [index, split] of job.splits.entries()) {
      const blocks = job.ahead.take(split);
      job.ahead.open([...job.splits.slice(index + 1, index + 1 + MOST_AHEAD), ...job.next()]);
      for await (const block of blocks) {
        await pump.push(block);
        job.onProgress(pump.rows);
      }
      checksums.push(blocks.checksum());
    }
    await pump.flush();
    return { checksums, rows: await copy.finish() };
  } catch (error) {
    copy.abort(error as Error);
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
