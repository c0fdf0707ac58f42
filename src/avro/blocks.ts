import type { ObjectStore } from '../clients/storage.ts';
import type { Header } from './header.ts';
import type { Split } from './splits.ts';

/** The rows of one Avro block, inflated. Valid until the next block is asked for. */
export interface Block {
  readonly rows: number;
  /** Often a view of a larger buffer: mind `byteOffset`. At least `fields.length` bytes a row. */
  readonly bytes: Buffer;
  /** Where in the object the block starts (its row count) and ends (after its sync marker). */
  readonly start: number;
  readonly end: number;
}

/** What a split that was read to its end adds to the check of its object. Plain data: a ledger can hold it. */
export interface SplitSum {
  readonly start: number;
  readonly end: number;
  /** CRC32C of exactly the bytes [start, end). */
  readonly crc: number;
  readonly rows: number;
  /** Where the split's first block starts and its last one ends; null where it owns none. */
  readonly firstBlock: number | null;
  readonly afterBlocks: number | null;
}

export interface BlockReader extends AsyncIterable<Block> {
  /** The sums, once the last block was handed out and the next one asked for; an error before. */
  sum(): SplitSum;
}

/** Reads the blocks that a split owns, in order. To be iterated once. Errors: BAD_AVRO, those of the store. */
export function readBlocks(
  store: Pick<ObjectStore, 'read'>,
  header: Header,
  split: Split,
  signal: AbortSignal,
): BlockReader {
  throw new Error(`not written yet ${store} ${header} ${split} ${signal}`);
}
