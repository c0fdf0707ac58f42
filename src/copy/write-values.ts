import { copyBytes } from './copy-bytes.ts';
import { type Cursor, readLength } from './cursor.ts';
import type { Encoding } from './encodings.ts';
import { InvalidValueError } from './row-error.ts';
import { writeDecimal } from './write-decimal.ts';
import * as numbers from './write-numbers.ts';
import { writeInterval, writeMoney } from './write-parsed.ts';
import { writeBytesAsUuid, writeUuid } from './write-uuid.ts';

/** Reads one value from the block and writes its length and bytes to the chunk. */
export type Write = (c: Cursor) => void;

/** NULL is a length of -1. */
export function writeNull(c: Cursor): void {
  c.outView.setInt32(c.at, -1);
  c.at += 4;
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

function writeNumeric(c: Cursor): void {
  const length = readLength(c);
  const end = c.pos + length;
  writeDecimal(c, c.bytes, c.pos, end);
  c.pos = end;
}

/** Text of at most `maxChars` characters, which are not bytes where the text is not ASCII. */
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

/** What an encoding writes is what the `*_recv` function of its types reads, in the server's source. */
export const VALUE_WRITERS: Readonly<Record<Encoding, Write>> = {
  int8: numbers.writeInt8,
  int4: numbers.writeInt4,
  int2: numbers.writeInt2,
  float8: numbers.writeFloat8,
  float4: numbers.writeFloat4,
  doubleAsInt8: numbers.writeDoubleAsInt8,
  doubleAsInt4: numbers.writeDoubleAsInt4,
  doubleAsInt2: numbers.writeDoubleAsInt2,
  longAsFloat8: numbers.writeLongAsFloat8,
  longAsFloat4: numbers.writeLongAsFloat4,
  bool: writeBool,
  text: writeBytes,
  name: writeBytes,
  bytea: writeBytes,
  jsonb: writeJsonb,
  numeric: writeNumeric,
  doubleAsNumeric: numbers.writeDoubleAsNumeric,
  doubleAsText: numbers.writeDoubleAsText,
  uuid: writeUuid,
  bytesAsUuid: writeBytesAsUuid,
  interval: writeInterval,
  money: writeMoney,
};
