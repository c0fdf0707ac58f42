import type { SplitChecksum } from '../avro/blocks.ts';
import type { Split } from '../avro/splits.ts';
import type { Encoder } from '../copy/encoder.ts';
import { createPump } from '../copy/pump.ts';
import { type Instant, instantOfPostgresMicros } from '../instant.ts';
import { openCopy } from '../postgres/copy-stream.ts';
import type { Session } from '../postgres/pool.ts';
import { MOST_AHEAD, type ReadAhead } from './read-ahead.ts';
import type { RowSource } from './row-source.ts';

/** A split whose rows are in Postgres. */
export interface LoadedSplit {
  readonly split: Split;
  readonly checksum: SplitChecksum;
  /** The greatest `max_ingested_at` of the rows that its stream had copied by then. */
  readonly watermark: Instant | undefined;
  /** Rows of the source that newer rows of the same keys have replaced. */
  readonly rowsLeftOut: number;
}

/** What was copied by one COPY. */
export interface Copied {
  readonly splits: readonly LoadedSplit[];
  /** Rows that the server says it took. */
  readonly rows: number;
}

/** A COPY to be done. */
export interface CopyJob extends RowSource {
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
    const splits = await copyAll(job, createPump(job.encoder, copy));
    return { splits, rows: await copy.finish() };
  } catch (error) {
    copy.abort(error as Error);
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

async function copyAll(
  { splits, ahead, next, encoder, onProgress }: CopyJob,
  pump: ReturnType<typeof createPump>,
): Promise<readonly LoadedSplit[]> {
  const loaded: LoadedSplit[] = [];
  const { observed } = encoder;
  for (const [index, split] of splits.entries()) {
    const leftOutBefore = observed.rowsLeftOut;
    const blocks = ahead.take(split);
    ahead.open([...splits.slice(index + 1, index + 1 + MOST_AHEAD), ...next()]);
    for await (const block of blocks) {
      await pump.push(block);
      onProgress(pump.rows);
    }
    const max = observed.maxMicros;
    loaded.push({
      split,
      checksum: blocks.checksum(),
      watermark: max === undefined ? undefined : instantOfPostgresMicros(max),
      rowsLeftOut: observed.rowsLeftOut - leftOutBefore,
    });
  }
  await pump.flush();
  return loaded;
}
