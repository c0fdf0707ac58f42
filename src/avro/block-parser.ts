import { inflateRawSync } from 'node:zlib';
import { gsUri } from '../google/object-info.ts';
import { badAvro } from './bad-avro.ts';
import type { ByteBuffer } from './byte-buffer.ts';
import type { Header } from './header.ts';
import { BLOCK_HEAD_BYTES } from './split-bytes.ts';
import type { Split } from './splits.ts';
import { SYNC_BYTES, skipToSyncMarker } from './sync-marker.ts';
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

/** A block that is whole in the buffer, its lengths and its sync marker checked. */
interface Frame {
  readonly rows: number;
  readonly headBytes: number;
  readonly dataBytes: number;
}

/**
 * The most bytes of a block, before and after it is inflated. BigQuery's largest row has 100 MB; a
 * length beyond this is a flipped bit, not a block.
 */
const MAX_BLOCK_BYTES = 512 * 1024 * 1024;

/** Finds and cuts out the blocks of a split, one after the other. Errors: BAD_AVRO with the byte. */
export class BlockParser {
  readonly #split: Split;
  readonly #header: Header;
  readonly #buffer: ByteBuffer;

  /** `buffer` begins a sync marker's length before the split, or with the header of its object. */
  constructor(split: Split, header: Header, buffer: ByteBuffer) {
    this.#split = split;
    this.#header = header;
    this.#buffer = buffer;
  }

  /** The start of the first block that the split owns, and the buffer there; null where there is none. */
  async findFirst(): Promise<number | null> {
    const { start, end } = this.#split;
    const { headerBytes } = this.#header;
    if (start > headerBytes) return this.#findAfterMarker(end);
    const buffer = this.#buffer;
    if (headerBytes >= end) return null;
    await buffer.fill(headerBytes - buffer.position);
    buffer.skip(Math.min(buffer.length, headerBytes - buffer.position));
    return buffer.position;
  }

  /** The next block, which starts where the one before ended. */
  async read(): Promise<Block> {
    const buffer = this.#buffer;
    const start = buffer.position;
    const frame = await this.#readFrame();
    if (typeof frame === 'string') throw this.#bad(start, frame);
    buffer.skip(frame.headBytes);
    const data = buffer.take(frame.dataBytes);
    buffer.skip(SYNC_BYTES);
    const bytes = this.#header.codec === 'null' ? data : this.#inflate(data, start);
    this.#checkRows(frame.rows, bytes.length, start);
    return { rows: frame.rows, bytes, start, end: buffer.position };
  }

  async #findAfterMarker(end: number): Promise<number | null> {
    const buffer = this.#buffer;
    while (await skipToSyncMarker(buffer, this.#header.sync, end)) {
      // The marker's bytes can also stand within a row: what follows must be a block.
      if (typeof (await this.#readFrame()) !== 'string') return buffer.position;
    }
    return null;
  }

  /** The frame at the buffer's position, or what is wrong with it. */
  async #readFrame(): Promise<Frame | string> {
    const buffer = this.#buffer;
    const left = this.#split.object.size - buffer.position;
    await buffer.fill(Math.min(BLOCK_HEAD_BYTES, left));
    const frame = parseHead(buffer.peek(0, BLOCK_HEAD_BYTES));
    if (typeof frame === 'string') return frame;
    const { headBytes, dataBytes } = frame;
    if (dataBytes > Math.min(MAX_BLOCK_BYTES, left)) return `says that it has ${dataBytes} bytes`;
    if (!(await buffer.fill(headBytes + dataBytes + SYNC_BYTES))) return 'is cut off';
    const marker = buffer.peek(headBytes + dataBytes, SYNC_BYTES);
    return marker.equals(this.#header.sync)
      ? frame
      : `has no sync marker after its ${dataBytes} bytes`;
  }

  #inflate(data: Buffer, start: number): Buffer {
    try {
      return inflateRawSync(data, { maxOutputLength: MAX_BLOCK_BYTES });
    } catch (error) {
      throw this.#bad(start, 'does not inflate', error);
    }
  }

  /** A field takes a byte at least: a count beyond that would keep a decoder busy for ever. */
  #checkRows(rows: number, bytes: number, start: number): void {
    const fits = rows === 0 ? bytes === 0 : rows * this.#header.fields.length <= bytes;
    if (!fits) throw this.#bad(start, `has ${rows} rows in ${bytes} bytes`);
  }

  #bad(start: number, problem: string, cause?: unknown) {
    return badAvro(gsUri(this.#split.object), `the block at byte ${start} ${problem}`, cause);
  }
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
