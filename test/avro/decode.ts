import type { AvroField, AvroScalar, AvroValueType } from '../../src/avro/schema.ts';

export type Value = bigint | number | boolean | string | Buffer | null | readonly Value[];
export interface Row {
  readonly [column: string]: Value;
}

/**
 * Decodes the rows of a block, value by value, with no thought of speed: what the fast encoder is
 * compared with. Throws where the bytes are not exactly `rows` rows.
 */
export function decodeRows(bytes: Buffer, rows: number, fields: readonly AvroField[]): Row[] {
  const cursor = { bytes, at: 0 };
  const decoded = Array.from({ length: rows }, () => decodeRow(cursor, fields));
  if (cursor.at !== bytes.length)
    throw new Error(`${bytes.length - cursor.at} bytes are left over`);
  return decoded;
}

interface Cursor {
  readonly bytes: Buffer;
  at: number;
}

function decodeRow(cursor: Cursor, fields: readonly AvroField[]): Row {
  return Object.fromEntries(fields.map((field) => [field.name, decodeField(cursor, field)]));
}

function decodeField(cursor: Cursor, field: AvroField): Value {
  if (field.nullBranch !== undefined && isNull(cursor, field.nullBranch)) return null;
  if (field.scalar !== undefined) return decodeScalar(cursor, field.scalar);
  return decodeArray(cursor, field.items as AvroValueType);
}

function decodeArray(cursor: Cursor, items: AvroValueType): Value[] {
  const values: Value[] = [];
  for (let count = long(cursor); count !== 0n; count = long(cursor)) {
    if (count < 0n) {
      long(cursor);
      count = -count;
    }
    for (let i = 0n; i < count; i++) values.push(decodeField(cursor, { name: '', ...items }));
  }
  return values;
}

function isNull(cursor: Cursor, nullBranch: 0 | 1): boolean {
  const branch = long(cursor);
  if (branch !== 0n && branch !== 1n) throw new Error(`there is no branch ${branch}`);
  return Number(branch) === nullBranch;
}

function decodeScalar(cursor: Cursor, scalar: AvroScalar): Value {
  if (scalar === 'long') return long(cursor);
  if (scalar === 'double') return take(cursor, 8).readDoubleLE();
  if (scalar === 'boolean') return take(cursor, 1).readUInt8() === 1;
  const bytes = take(cursor, Number(long(cursor)));
  return scalar === 'bytes' ? Buffer.from(bytes) : bytes.toString();
}

function long(cursor: Cursor): bigint {
  let zigzag = 0n;
  for (let shift = 0n; ; shift += 7n) {
    const byte = take(cursor, 1).readUInt8();
    zigzag |= BigInt(byte & 127) << shift;
    if (byte < 128) return BigInt.asIntN(64, (zigzag >> 1n) ^ -(zigzag & 1n));
    if (shift === 63n) throw new Error('a number has more than ten bytes');
  }
}

function take(cursor: Cursor, count: number): Buffer {
  const end = cursor.at + count;
  if (count < 0 || end > cursor.bytes.length) throw new Error('the bytes end within a value');
  const taken = cursor.bytes.subarray(cursor.at, end);
  cursor.at = end;
  return taken;
}
