import type { ObjectStore } from '../google/storage.ts';
import { type Block, BlockParser } from './block-parser.ts';
import { ByteBuffer } from './byte-buffer.ts';
import { type HeaderOf, readHeader } from './header.ts';
import { SplitBytes } from './split-bytes.ts';
import type { Split } from './splits.ts';

/** What a split that was read to its end adds to the check of its object. Plain data: a ledger can hold it. */
export interface SplitChecksum {
  readonly start: number;
  readonly end: number;
  /** CRC32C of exactly the bytes [start, end). */
  readonly crc: number;
  readonly rows: number;
  /** Where the split's first block starts and its last one ends; null where it owns none. */
  readonly firstBlock: number | null;
  readonly afterBlocks: number | null;
}

/** The blocks of a split, to be iterated once. */
export interface BlockReader extends AsyncIterable<Block> {
  /** What was read, once the iteration has ended; a TypeError before. */
  checksum(): SplitChecksum;
  /** Gives up a reader that is not iterated. */
  close(): Promise<void>;
}

/**
 * Reads the blocks that a split owns, in order. Reading starts at once, so that the next split's first
 * bytes can be on their way while this one is loaded. The first split of an object brings the header
 * with it. To be iterated once; leaving the loop closes the connection. Errors: BAD_AVRO with the
 * object and the byte, those of the store and of `headerOf`.
 */
export function readBlocks(
  store: Pick<ObjectStore, 'read'>,
  headerOf: HeaderOf,
  split: Split,
  signal: AbortSignal,
): BlockReader {
  return new SplitReader(new SplitBytes(store, split, signal), headerOf, split);
}

class SplitReader implements BlockReader {
  readonly #split: Split;
  readonly #bytes: SplitBytes;
  readonly #opening: Promise<BlockParser>;
  #checksum: SplitChecksum | undefined;

  constructor(bytes: SplitBytes, headerOf: HeaderOf, split: Split) {
    this.#split = split;
    this.#bytes = bytes;
    this.#opening = openParser(bytes, headerOf, split);
    this.#opening.catch(() => undefined); // the iteration throws it
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Block, void, undefined> {
    const { start, end } = this.#split;
    let rows = 0;
    try {
      const parser = await this.#opening;
      const firstBlock = await parser.findFirst();
      let afterBlocks = firstBlock;
      while (afterBlocks !== null && afterBlocks < end) {
        const block = await parser.read();
        rows += block.rows;
        afterBlocks = block.end;
        if (block.rows > 0) yield block;
      }
      await this.#bytes.finish();
      this.#checksum = { start, end, crc: this.#bytes.crc, rows, firstBlock, afterBlocks };
    } finally {
      await this.close();
    }
  }

  checksum(): SplitChecksum {
    if (this.#checksum !== undefined) return this.#checksum;
    throw new TypeError(`split ${this.#split.id} was not read to its end`);
  }

  close(): Promise<void> {
    return this.#bytes.close();
  }
}

async function openParser(
  bytes: SplitBytes,
  headerOf: HeaderOf,
  split: Split,
): Promise<BlockParser> {
  const buffer = new ByteBuffer(bytes.from, (reach) => bytes.next(reach));
  const readOwnHeader = () =>
    readHeader(split.object, async (end) => {
      await buffer.fill(end);
      return buffer.peek(0, buffer.length);
    });
  const header = await headerOf(split, split.start === 0 ? readOwnHeader : undefined);
  return new BlockParser(split, header, buffer);
}
