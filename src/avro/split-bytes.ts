import type { ObjectStore } from '../google/storage.ts';
import { crc32c } from './crc32c.ts';
import type { Split } from './splits.ts';
import { SYNC_BYTES } from './sync-marker.ts';

/** Two varints of ten bytes: the most that a block has before its rows. */
export const BLOCK_HEAD_BYTES = 20;

/**
 * The bytes of a split, from a sync marker's length before it to as far beyond it as is asked for.
 * Reading starts at once.
 */
export class SplitBytes {
  /** Position in the object of the first byte that `next` gives. */
  readonly from: number;
  readonly #split: Split;
  readonly #open: (start: number, end: number) => AsyncIterator<Buffer>;
  #position: number;
  #requestEnd: number;
  #request: AsyncIterator<Buffer>;
  #early: Promise<IteratorResult<Buffer>> | undefined;
  #crc = 0;

  constructor(store: Pick<ObjectStore, 'read'>, split: Split, signal: AbortSignal) {
    const { object, start, end } = split;
    this.#split = split;
    this.#open = (from, to) => store.read(object, from, to, signal)[Symbol.asyncIterator]();
    this.from = Math.max(0, start - SYNC_BYTES);
    this.#position = this.from;
    this.#requestEnd = Math.min(object.size, end + overlap(split));
    this.#request = this.#open(this.from, this.#requestEnd);
    this.#early = this.#request.next();
    this.#early.catch(() => undefined); // `next` throws it
  }

  /** CRC32C of what was given of [start, end) so far. */
  get crc(): number {
    return this.#crc;
  }

  /** The next bytes. `reach` is the position that is needed at least; undefined where that is read. */
  async next(reach: number): Promise<Buffer | undefined> {
    const chunk = await this.#pull();
    const wantedEnd = Math.min(reach, this.#split.object.size);
    if (chunk !== undefined || this.#requestEnd >= wantedEnd) return chunk;
    this.#request = this.#open(this.#requestEnd, wantedEnd);
    this.#requestEnd = wantedEnd;
    return this.#pull();
  }

  /** Reads what is left of the open request: the connection is kept, and the CRC is complete. */
  async finish(): Promise<void> {
    while ((await this.#pull()) !== undefined);
  }

  async close(): Promise<void> {
    await this.#request.return?.();
  }

  async #pull(): Promise<Buffer | undefined> {
    const result = await (this.#early ?? this.#request.next());
    this.#early = undefined;
    if (result.done) return undefined;
    const chunk = result.value;
    const first = Math.max(this.#split.start - this.#position, 0);
    const last = Math.min(this.#split.end - this.#position, chunk.length);
    if (first < last) this.#crc = crc32c(chunk.subarray(first, last), this.#crc);
    this.#position += chunk.length;
    return chunk;
  }
}

/** The last block mostly reaches beyond the split: with a little more, one request is enough. */
function overlap(split: Split): number {
  return BLOCK_HEAD_BYTES + SYNC_BYTES + Math.floor((split.end - split.start) / 64);
}
