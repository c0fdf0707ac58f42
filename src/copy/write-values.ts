import { copyBytes } from './copy-bytes.ts';
import { type Cursor, InvalidValueError, readLength, readLong } from './cursor.ts';
import type { Encoding } from './encodings.ts';
import { writeDecimal } from './write-decimal.ts';
import { writeInterval, writeMoney } from './write-parsed.ts';

/** Reads one value from the block and writes its length and bytes to the chunk. */
export type Write = (c: Cursor) => void;

const TWO_32 = 4_294_967_296;

function writeInt8(c: Cursor): void {
  readLong(c);
  const { outView, at } = c;
  outView.setInt32(at, 8);
  outView.setInt32(at + 4, c.hi);
  outView.setInt32(at + 8, c.lo);
  c.at = at + 12;
}

function writeInt4(c: Cursor): void {
  readLong(c);
  if (c.hi !== c.lo >> 31) throw new InvalidValueError('integer out of range', longText(c));
  putInt4(c, c.lo);
}

function writeInt2(c: Cursor): void {
  readLong(c);
  if (c.hi !== c.lo >> 31 || (c.lo << 16) >> 16 !== c.lo) {
    throw new InvalidValueError('smallint out of range', longText(c));
  }
  putInt2(c, c.lo);
}

function writeFloat8(c: Cursor): void {
  const { view, pos, outView, at } = c;
  outView.setInt32(at, 8);
  outView.setInt32(at + 4, view.getInt32(pos + 4, true));
  outView.setInt32(at + 8, view.getInt32(pos, true));
  c.pos = pos + 8;
  c.at = at + 12;
}

function writeFloat4(c: Cursor): void {
  putFloat4(c, readSingle(c));
}

/** The nearest float4; too large and too small ones are refused, as float4in refuses them. */
export function readSingle(c: Cursor): number {
  const value = readDouble(c);
  const single = Math.fround(value);
  const overflows = !Number.isFinite(single) && Number.isFinite(value);
  if (overflows || (single === 0 && value !== 0)) {
    throw new InvalidValueError('real out of range', doubleText(value));
  }
  return single;
}

function writeDoubleAsInt8(c: Cursor): void {
  const value = wholeDouble(c, 'bigint', -(2 ** 63), 2 ** 63);
  const hi = Math.floor(value / TWO_32);
  c.outView.setInt32(c.at, 8);
  c.outView.setInt32(c.at + 4, hi | 0);
  c.outView.setInt32(c.at + 8, (value - hi * TWO_32) | 0);
  c.at += 12;
}

function writeDoubleAsInt4(c: Cursor): void {
  putInt4(c, wholeDouble(c, 'integer', -(2 ** 31), 2 ** 31));
}

function writeDoubleAsInt2(c: Cursor): void {
  putInt2(c, wholeDouble(c, 'smallint', -(2 ** 15), 2 ** 15));
}

/** Reads a long that a floating-point type holds exactly; `bits` rounds to that type. */
export function exactDouble(c: Cursor, bits: (value: number) => number): number {
  readLong(c);
  const value = c.hi * TWO_32 + (c.lo >>> 0);
  const exact = bits(value);
  const long = (BigInt(c.hi) << 32n) | BigInt(c.lo >>> 0);
  if (exact !== value || (Math.abs(value) > Number.MAX_SAFE_INTEGER && BigInt(value) !== long)) {
    throw new InvalidValueError('the type does not hold it exactly', longText(c));
  }
  return exact;
}

function writeLongAsFloat8(c: Cursor): void {
  const value = exactDouble(c, (x) => x);
  c.outView.setInt32(c.at, 8);
  c.outView.setFloat64(c.at + 4, value);
  c.at += 12;
}

function writeLongAsFloat4(c: Cursor): void {
  putFloat4(c, exactDouble(c, Math.fround));
}

function writeBool(c: Cursor): void {
  c.outView.setInt32(c.at, 1);
  c.out[c.at + 4] = c.bytes[c.pos++] as number;
  c.at += 5;
}

function writeBytes(c: Cursor): void {
  const length = readLength(c);
  c.ensure(length);
  c.outView.setInt32(c.at, length);
  c.at += 4;
  copyBytes(c, length);
}

/** jsonb_recv reads a version byte, 1, before the text. */
function writeJsonb(c: Cursor): void {
  const length = readLength(c);
  c.ensure(length);
  c.outView.setInt32(c.at, length + 1);
  c.out[c.at + 4] = 1;
  c.at += 5;
  copyBytes(c, length);
}

/** `write` with a limit of `maxChars` characters, which are not bytes where the text is not ASCII. */
export function writeLimited(maxChars: number): Write {
  return (c) => {
    const from = c.pos;
    const length = readLength(c);
    if (length > maxChars && characters(c.bytes, c.pos, length) > maxChars) {
      const text = Buffer.from(c.bytes.subarray(c.pos, c.pos + length)).toString();
      throw new InvalidValueError(`value too long for ${maxChars} characters`, text);
    }
    c.pos = from;
    writeBytes(c);
  };
}

function characters(bytes: Uint8Array, from: number, length: number): number {
  let count = 0;
  for (let i = from; i < from + length; i += 1)
    if (((bytes[i] as number) & 0xc0) !== 0x80) count += 1;
  return count;
}

function writeBytesAsUuid(c: Cursor): void {
  const from = c.pos;
  const length = readLength(c);
  if (length !== 16) {
    throw new InvalidValueError('a uuid has 16 bytes', c.bytes.slice(c.pos, c.pos + length));
  }
  c.pos = from;
  writeBytes(c);
}

/** As uuid_in reads it: braces around all, a hyphen behind any four digits but the last. */
function writeUuid(c: Cursor): void {
  const length = readLength(c);
  const { bytes, out } = c;
  const end = c.pos + length;
  const braces = bytes[c.pos] === 0x7b && bytes[end - 1] === 0x7d ? 1 : 0;
  let at = c.at + 4;
  let digits = 0;
  let byte = 0;
  for (let i = c.pos + braces; i < end - braces; i += 1) {
    const code = bytes[i] as number;
    const hyphen = code === 0x2d && bytes[i - 1] !== 0x2d;
    if (hyphen && digits % 4 === 0 && digits > 0 && digits < 32) continue;
    const digit = hexDigit(code);
    if (digit < 0 || digits === 32) throw badUuid(c, length);
    byte = (byte << 4) | digit;
    digits += 1;
    if ((digits & 1) === 0) {
      out[at++] = byte;
      byte = 0;
    }
  }
  if (digits !== 32) throw badUuid(c, length);
  c.outView.setInt32(c.at, 16);
  c.pos = end;
  c.at += 20;
}

function badUuid(c: Cursor, length: number): InvalidValueError {
  const text = Buffer.from(c.bytes.subarray(c.pos, c.pos + length)).toString();
  return new InvalidValueError('not a uuid', text);
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function writeNumeric(c: Cursor): void {
  const length = readLength(c);
  const end = c.pos + length;
  writeDecimal(c, c.bytes, c.pos, end);
  c.pos = end;
}

const ASCII = new TextEncoder();

function writeDoubleAsNumeric(c: Cursor): void {
  const text = ASCII.encode(doubleText(readDouble(c)));
  writeDecimal(c, text, 0, text.length);
}

function writeDoubleAsText(c: Cursor): void {
  const { written } = ASCII.encodeInto(doubleText(readDouble(c)), c.out.subarray(c.at + 4));
  c.outView.setInt32(c.at, written);
  c.at += 4 + written;
}

/** The shortest text that reads back as the same double; the exponent is written as JavaScript does. */
export function doubleText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

export function longText(c: Cursor): string {
  return String((BigInt(c.hi) << 32n) | BigInt(c.lo >>> 0));
}

export function readDouble(c: Cursor): number {
  const value = c.view.getFloat64(c.pos, true);
  c.pos += 8;
  return value;
}

function wholeDouble(c: Cursor, type: string, min: number, beyond: number): number {
  const value = readDouble(c);
  if (Number.isInteger(value) && value >= min && value < beyond) return value;
  throw new InvalidValueError(`${type} out of range, or not a whole number`, doubleText(value));
}

function putInt4(c: Cursor, value: number): void {
  c.outView.setInt32(c.at, 4);
  c.outView.setInt32(c.at + 4, value);
  c.at += 8;
}

function putInt2(c: Cursor, value: number): void {
  c.outView.setInt32(c.at, 2);
  c.outView.setInt16(c.at + 4, value);
  c.at += 6;
}

function putFloat4(c: Cursor, value: number): void {
  c.outView.setInt32(c.at, 4);
  c.outView.setFloat32(c.at + 4, value);
  c.at += 8;
}

/** Each kind's receive format is that of the `*_recv` function of its types in the server's source. */
export const WRITE: Readonly<Record<Encoding, Write>> = {
  int8: writeInt8,
  int4: writeInt4,
  int2: writeInt2,
  float8: writeFloat8,
  float4: writeFloat4,
  doubleAsInt8: writeDoubleAsInt8,
  doubleAsInt4: writeDoubleAsInt4,
  doubleAsInt2: writeDoubleAsInt2,
  longAsFloat8: writeLongAsFloat8,
  longAsFloat4: writeLongAsFloat4,
  bool: writeBool,
  text: writeBytes,
  name: writeBytes,
  bytea: writeBytes,
  jsonb: writeJsonb,
  numeric: writeNumeric,
  doubleAsNumeric: writeDoubleAsNumeric,
  doubleAsText: writeDoubleAsText,
  uuid: writeUuid,
  bytesAsUuid: writeBytesAsUuid,
  interval: writeInterval,
  money: writeMoney,
};
