import { MalformedBlockError } from './row-error.ts';

/**
 * The state of re-framing: a place in the Avro block that is read, and a place in the chunk that is
 * written. Reading and writing a value moves both. It is one object of plain fields, so that the compiled loop keeps them
 * at fixed offsets.
 */
export class Cursor {
  /** The block: read position, and its end. */
  bytes: Uint8Array = EMPTY;
  view: DataView = new DataView(EMPTY.buffer);
  pos = 0;
  end = 0;

  /** The chunk: write position. */
  out: Uint8Array;
  outView: DataView;
  at = 0;

  /** The long last read, as two 32-bit halves. */
  hi = 0;
  lo = 0;

  /** Free bytes that all fixed-size values of a row may count on, wherever in the row. */
  readonly slack: number;

  /** For rows of `columns` columns. */
  constructor(capacity: number, columns: number) {
    this.slack = SLACK * (columns + 1);
    this.out = new Uint8Array(capacity + this.slack);
    this.outView = new DataView(this.out.buffer);
  }

  read(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.pos = 0;
    this.end = bytes.byteLength;
  }

  /** Goes on writing into `out`, from `at`. */
  writeInto(out: Uint8Array, at: number): void {
    this.out = out;
    this.outView = new DataView(out.buffer, out.byteOffset, out.byteLength);
    this.at = at;
  }

  /** Makes room for `count` more bytes and the slack; what is written already moves along. */
  ensure(count: number): void {
    const end = this.at + count + this.slack;
    if (end <= this.out.length) return;
    const larger = new Uint8Array(Math.max(this.out.length * 2, end));
    larger.set(this.out.subarray(0, this.at));
    this.writeInto(larger, this.at);
  }
}

const EMPTY = new Uint8Array(0);

/** Bytes that hold every fixed-size value, the head of an array, and what stands before a row. */
const SLACK = 64;

/** Reads a zigzag varint into `hi` and `lo` (Avro 1.11 specification, "Binary Encoding"). */
export function readLong(c: Cursor): void {
  const bytes = c.bytes;
  let pos = c.pos;
  let byte = bytes[pos++] as number;
  let lo = byte & 0x7f;
  let hi = 0;
  if (byte > 0x7f) {
    byte = bytes[pos++] as number;
    lo |= (byte & 0x7f) << 7;
    if (byte > 0x7f) {
      byte = bytes[pos++] as number;
      lo |= (byte & 0x7f) << 14;
      if (byte > 0x7f) {
        byte = bytes[pos++] as number;
        lo |= (byte & 0x7f) << 21;
        if (byte > 0x7f) {
          byte = bytes[pos++] as number;
          lo |= byte << 28;
          hi = (byte & 0x7f) >>> 4;
          for (let shift = 3; byte > 0x7f; shift += 7) {
            if (shift > 31) throw new MalformedBlockError('a number has more than ten bytes');
            byte = bytes[pos++] as number;
            hi |= (byte & 0x7f) << shift;
          }
        }
      }
    }
  }
  const sign = -(lo & 1);
  c.pos = pos;
  c.lo = ((lo >>> 1) | (hi << 31)) ^ sign;
  c.hi = (hi >>> 1) ^ sign;
}

/** Reads the length of a string or bytes value, and checks that the value lies in the block. */
export function readLength(c: Cursor): number {
  const byte = c.bytes[c.pos] as number;
  if (byte <= 0x7f && (byte & 1) === 0) {
    c.pos += 1;
    c.lo = byte >>> 1;
  } else {
    readLong(c);
    if (c.hi !== 0 || c.lo < 0) throw new MalformedBlockError('a length is negative or absurd');
  }
  if (c.lo > c.end - c.pos) throw new MalformedBlockError('a value goes beyond its block');
  return c.lo;
}

/**
 * Reads the number of items in the next block of an array; 0 ends the array. Avro cuts an array into
 * blocks; a negative count is followed by the block's size in bytes.
 */
export function readItemCount(c: Cursor): number {
  readLong(c);
  let count = c.hi * 4_294_967_296 + (c.lo >>> 0);
  if (count < 0) {
    count = -count;
    readLong(c);
  }
  if (count > c.end - c.pos) throw new MalformedBlockError('an array goes beyond its block');
  return count;
}
