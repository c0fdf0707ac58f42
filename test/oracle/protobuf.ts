/**
 * Just enough of the wire format of Protocol Buffers to talk to ZetaSQL (protobuf.dev,
 * "Encoding"): messages are objects by field number.
 */
export interface Message {
  readonly [field: number]: Value | readonly Value[] | undefined;
}

type Value = number | bigint | boolean | string | Uint8Array | Message;

/** What a field holds: a number for varints, the bytes for all else. */
export type Wire = bigint | Uint8Array;

const VARINT = 0;
const FIXED_64 = 1;
const DELIMITED = 2;

/** The bytes of a message. Numbers are varints, as int64, bool and enums are. */
export function encodeMessage(message: Message): Uint8Array {
  const parts = Object.entries(message).flatMap(([field, value]) => {
    const values = Array.isArray(value) ? (value as readonly Value[]) : [value as Value];
    return value === undefined ? [] : values.map((each) => encodeField(Number(field), each));
  });
  return Buffer.concat(parts);
}

function encodeField(field: number, value: Value): Uint8Array {
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') {
    return Buffer.concat([varint(BigInt((field << 3) | VARINT)), varint(BigInt(value))]);
  }
  const bytes =
    typeof value === 'string'
      ? Buffer.from(value)
      : value instanceof Uint8Array
        ? value
        : encodeMessage(value);
  return Buffer.concat([
    varint(BigInt((field << 3) | DELIMITED)),
    varint(BigInt(bytes.length)),
    bytes,
  ]);
}

function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Uint8Array.from([...bytes, Number(rest)]);
}

/** The fields of a message by number, each in the order of its values. */
export function decodeMessage(bytes: Uint8Array): ReadonlyMap<number, readonly Wire[]> {
  const fields = new Map<number, Wire[]>();
  const reader = { bytes, at: 0 };
  while (reader.at < bytes.length) {
    const key = Number(readVarint(reader));
    const value = (key & 7) === VARINT ? readVarint(reader) : readBytes(reader, key & 7);
    fields.set(key >> 3, [...(fields.get(key >> 3) ?? []), value]);
  }
  return fields;
}

/** The varints of a packed repeated field. */
export function unpack(bytes: Uint8Array): readonly bigint[] {
  const reader = { bytes, at: 0 };
  const values: bigint[] = [];
  while (reader.at < bytes.length) values.push(readVarint(reader));
  return values;
}

interface Reader {
  readonly bytes: Uint8Array;
  at: number;
}

function readVarint(reader: Reader): bigint {
  for (let value = 0n, shift = 0n; ; shift += 7n) {
    const byte = reader.bytes[reader.at++];
    if (byte === undefined) throw new Error('a protobuf message ends within a number');
    value |= BigInt(byte & 127) << shift;
    if (byte < 128) return value;
  }
}

function readBytes(reader: Reader, wireType: number): Uint8Array {
  const length =
    wireType === DELIMITED ? Number(readVarint(reader)) : wireType === FIXED_64 ? 8 : 4;
  const start = reader.at;
  reader.at += length;
  return reader.bytes.subarray(start, reader.at);
}
