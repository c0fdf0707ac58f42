import { inflateRawSync } from 'node:zlib';
import { gsUri } from '../google/object-info.ts';
import type { ObjectStore } from '../google/storage.ts';
import { badAvro } from './bad-avro.ts';
import { openWindow, type Window } from './byte-window.ts';
import { type Header, type HeaderOf, readHeader, SYNC_BYTES } from './header.ts';
import { BLOCK_HEAD_BYTES, openSplitBytes, type SplitBytes } from './split-bytes.ts';
import type { Split } from './splits.ts';
import { readVarint } from './varint.ts';

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
  /** The sums, once the iteration has ended; a TypeError before. */
  checksum(): SplitChecksum;
  /** Gives up a reader that is not iterated. */
  close(): Promise<void>;
}

/**
 * The most bytes of a block, before and after it is inflated. BigQuery's largest row has 100 MB; a
 * length beyond this is a flipped bit, not a block.
 */
const MAX_BLOCK_BYTES = 512 * 1024 * 1024;

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
  const bytes = openSplitBytes(store, split, signal);
  const opening = openReader(bytes, headerOf, split);
  opening.catch(() => undefined); // whoever iterates is told
  let sum: SplitChecksum | undefined;
  return {
    [Symbol.asyncIterator]: () =>
      iterateBlocks(bytes, opening, split, (finished) => {
        sum = finished;
      }),
    checksum() {
      if (sum === undefined) throw new TypeError(`split ${split.id} was not read to its end`);
      return sum;
    },
    close: () => bytes.close(),
  };
}

async function* iterateBlocks(
  bytes: SplitBytes,
  opening: ReturnType<typeof openReader>,
  split: Split,
  finished: (sum: SplitChecksum) => void,
): AsyncGenerator<Block, void, undefined> {
  const { start, end } = split;
  let rows = 0;
  try {
    const reader = await opening;
    const firstBlock = await reader.findFirst();
    let after = firstBlock;
    while (after !== null && after < end) {
      const block = await reader.read();
      rows += block.rows;
      after = block.end;
      if (block.rows > 0) yield block;
    }
    await bytes.finish();
    finished({ start, end, crc: bytes.crc, rows, firstBlock, afterBlocks: after });
  } finally {
    await bytes.close();
  }
}

/** A block that is whole in the window, its lengths and its sync marker checked. */
interface Frame {
  readonly rows: number;
  readonly headBytes: number;
  readonly dataBytes: number;
}

async function openReader(bytes: SplitBytes, headerOf: HeaderOf, split: Split) {
  const { object, start, end } = split;
  let position = bytes.from;
  let reach = position;
  const window: Window = openWindow(() => bytes.next(reach));
  const header: Header = await headerOf(split, start === 0 ? readOwnHeader : undefined);

  function readOwnHeader(): Promise<Header> {
    return readHeader(object, async (count) => {
      await fill(count);
      return window.peek(0, window.length);
    });
  }

  function fill(count: number): Promise<boolean> {
    reach = position + count;
    return window.fill(count);
  }

  function skip(count: number): void {
    window.take(count);
    position += count;
  }

  /** The frame at the position, or what is wrong with it. */
  async function readFrame(): Promise<Frame | string> {
    await fill(Math.min(BLOCK_HEAD_BYTES, object.size - position));
    const head = parseHead(window.peek(0, BLOCK_HEAD_BYTES));
    if (typeof head === 'string') return head;
    const { headBytes, dataBytes } = head;
    if (dataBytes > Math.min(MAX_BLOCK_BYTES, object.size - position)) {
      return `says that it has ${dataBytes} bytes`;
    }
    if (!(await fill(headBytes + dataBytes + SYNC_BYTES))) return 'is cut off';
    const marker = window.peek(headBytes + dataBytes, SYNC_BYTES);
    return marker.equals(header.sync) ? head : `has no sync marker after its ${dataBytes} bytes`;
  }

  /** The start of the first block that the split owns, and the window there; null where there is none. */
  async function findFirst(): Promise<number | null> {
    if (start <= header.headerBytes) {
      if (header.headerBytes >= end) return null;
      await fill(header.headerBytes - position);
      skip(Math.min(window.length, header.headerBytes - position));
      return position;
    }
    while (position < end) {
      const at = window.indexOf(header.sync);
      if (at === -1) {
        skip(Math.max(0, window.length - SYNC_BYTES + 1));
        if (position + window.length >= end || !(await fill(window.length + 1))) return null;
        continue;
      }
      skip(at + SYNC_BYTES);
      // The marker's bytes can also stand within a row: what follows must be a block.
      if (position >= end) return null;
      if (typeof (await readFrame()) !== 'string') return position;
    }
    return null;
  }

  async function read(): Promise<Block> {
    const blockStart = position;
    const frame = await readFrame();
    if (typeof frame === 'string') throw bad(`the block at byte ${blockStart} ${frame}`);
    skip(frame.headBytes);
    const data = window.take(frame.dataBytes);
    position += frame.dataBytes;
    skip(SYNC_BYTES);
    const rowBytes = header.codec === 'null' ? data : inflate(data, blockStart);
    checkRows(frame.rows, rowBytes.length, blockStart);
    return { rows: frame.rows, bytes: rowBytes, start: blockStart, end: position };
  }

  function inflate(data: Buffer, blockStart: number): Buffer {
    try {
      return inflateRawSync(data, { maxOutputLength: MAX_BLOCK_BYTES });
    } catch (error) {
      throw bad(`the block at byte ${blockStart} does not inflate`, error);
    }
  }

  /** A field takes a byte at least: a count beyond that would keep a decoder busy for ever. */
  function checkRows(rows: number, length: number, blockStart: number): void {
    const fits = rows === 0 ? length === 0 : rows * header.fields.length <= length;
    if (!fits) throw bad(`the block at byte ${blockStart} has ${rows} rows in ${length} bytes`);
  }

  function bad(what: string, cause?: unknown) {
    return badAvro(gsUri(object), what, cause);
  }

  return { findFirst, read };
}

function parseHead(head: Buffer): Frame | string {
  const rows = readVarint(head, 0);
  if (typeof rows === 'string') return 'has no row count';
  const length = readVarint(head, rows.next);
  if (typeof length === 'string') return 'has no length';
  if (rows.value < 0) return `says that it has ${rows.value} rows`;
  if (length.value < 0) return `says that it has ${length.value} bytes`;
  return { rows: rows.value, headBytes: length.next, dataBytes: length.value };
}
