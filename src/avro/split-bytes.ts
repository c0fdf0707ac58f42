import type { ObjectStore } from '../google/storage.ts';
import { crc32c } from './crc32c.ts';
import { SYNC_BYTES } from './header.ts';
import type { Split } from './splits.ts';

/** Two varints of ten bytes: the most that a block has before its rows. */
export const BLOCK_HEAD_BYTES = 20;

/** The bytes of a split, from a sync marker's length before it to as far beyond it as is asked for. */
export interface SplitBytes {
  /** Position in the object of the first byte that `next` gives. */
  readonly from: number;
  /** CRC32C of what was given of [start, end) so far. */
  readonly crc: number;
  /** The next bytes. `reach` is the position that is needed at least; undefined where that is read. */
  next(reach: number): Promise<Buffer | undefined>;
  /** Reads what is left of the open request: the connection is kept, and the CRC is complete. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

/** Starts reading at once. */
export function openSplitBytes(
  store: Pick<ObjectStore, 'read'>,
  split: Split,
  signal: AbortSignal,
): SplitBytes {
  const { object, start, end } = split;
  const from = Math.max(0, start - SYNC_BYTES);
  let position = from;
  let requestEnd = Math.min(object.size, end + overlap(split));
  let request = store.read(object, from, requestEnd, signal)[Symbol.asyncIterator]();
  let early: Promise<IteratorResult<Buffer>> | undefined = request.next();
  early.catch(() => undefined); // whoever asks for the bytes is told
  let crc = 0;

  async function pull(): Promise<Buffer | undefined> {
    const result = await (early ?? request.next());
    early = undefined;
    if (result.done) return undefined;
    const chunk = result.value;
    const [first, last] = [Math.max(start - position, 0), Math.min(end - position, chunk.length)];
    if (first < last) crc = crc32c(chunk.subarray(first, last), crc);
    position += chunk.length;
    return chunk;
  }

  return {
    from,
    get crc() {
      return crc;
    },
    async next(reach) {
      const chunk = await pull();
      if (chunk !== undefined || requestEnd >= Math.min(reach, object.size)) return chunk;
      const begin = requestEnd;
      requestEnd = Math.min(reach, object.size);
      request = store.read(object, begin, requestEnd, signal)[Symbol.asyncIterator]();
      return pull();
    },
    async finish() {
      while ((await pull()) !== undefined);
    },
    async close() {
      await request.return?.();
    },
  };
}

/** The last block mostly reaches beyond the split: with a little more, one request is enough. */
function overlap(split: Split): number {
  return BLOCK_HEAD_BYTES + SYNC_BYTES + Math.floor((split.end - split.start) / 64);
}
