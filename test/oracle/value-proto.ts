import { decodeMessage, type Wire } from './protobuf.ts';

/**
 * A value of an answer: INT64 as bigint, FLOAT64 as number, BYTES as bytes, ARRAY and STRUCT as
 * lists. Queries have to turn other types into one of these.
 */
export type Value = null | bigint | boolean | number | string | Uint8Array | readonly Value[];

/** The rows of a TableContent, which are the rows of its TableData. */
export function readRows(content: Uint8Array): readonly (readonly Value[])[] {
  const data = decodeMessage(content).get(1)?.[0];
  const rows = data === undefined ? [] : (decodeMessage(data as Uint8Array).get(1) ?? []);
  return rows.map((row) => readAll(row as Uint8Array));
}

function readAll(list: Uint8Array): readonly Value[] {
  return (decodeMessage(list).get(1) ?? []).map((each) => readValue(each as Uint8Array));
}

/** ValueProto: the field's number is the type; no field is NULL. */
function readValue(bytes: Uint8Array): Value {
  const [field] = decodeMessage(bytes);
  if (field === undefined) return null;
  const [number, [value]] = field as unknown as [number, [Wire]];
  const read = READERS[number];
  if (read === undefined) throw new Error(`no way to read a value of field ${number}`);
  return read(value as never);
}

const READERS: Readonly<Record<number, (value: never) => Value>> = {
  2: (value: bigint) => BigInt.asIntN(64, value),
  5: (value: bigint) => value !== 0n,
  7: (value: Uint8Array) => new DataView(value.slice().buffer).getFloat64(0, true),
  8: (value: Uint8Array) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(value),
  9: (value: Uint8Array) => value.slice(),
  13: readAll,
  14: readAll,
};
