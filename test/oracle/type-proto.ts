import type { Field } from '../gcp/google.ts';
import type { Message } from './protobuf.ts';

/** The columns of a table, as tables.get tells them. */
export type Fields = readonly Field[];

/** TypeKind of zetasql's public/type.proto. */
const KINDS: Readonly<Record<string, number>> = {
  INT64: 2,
  INTEGER: 2,
  BOOL: 5,
  BOOLEAN: 5,
  FLOAT64: 7,
  FLOAT: 7,
  STRING: 8,
  BYTES: 9,
  DATE: 10,
  TIMESTAMP: 19,
  TIME: 20,
  DATETIME: 21,
  GEOGRAPHY: 22,
  NUMERIC: 23,
  BIGNUMERIC: 24,
  JSON: 26,
  INTERVAL: 27,
};
const ARRAY = 16;
const STRUCT = 17;
const RANGE = 29;

/** SimpleTableProto. */
export function tableType(name: string, fields: Fields): Message {
  return { 1: name, 4: fields.map((field) => ({ 1: field.name, 2: typeOf(field) })) };
}

/** TypeProto of a column. */
function typeOf(field: Field): Message {
  const single = singleType(field);
  return field.mode === 'REPEATED' ? { 1: ARRAY, 2: { 1: single } } : single;
}

function singleType(field: Field): Message {
  if (field.type === 'RECORD') {
    const parts = (field.fields ?? []).map((part) => ({ 1: part.name, 2: typeOf(part) }));
    return { 1: STRUCT, 3: { 1: parts } };
  }
  if (field.type === 'RANGE') {
    return { 1: RANGE, 8: { 1: { 1: kindOf(field.rangeElementType?.type ?? '') } } };
  }
  return { 1: kindOf(field.type) };
}

function kindOf(type: string): number {
  const kind = KINDS[type];
  if (kind === undefined) throw new Error(`ZetaSQL has no type ${type}`);
  return kind;
}
