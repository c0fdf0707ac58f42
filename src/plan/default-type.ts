import type { SourceColumn, SourceType } from '../google/source-columns.ts';
import type { TargetType } from '../postgres/target-table.ts';

/** The PostgreSQL type that a new column gets. */
const DEFAULT_TYPES: Readonly<Record<SourceType, string>> = {
  INT64: 'bigint',
  FLOAT64: 'double precision',
  BOOL: 'boolean',
  STRING: 'text',
  BYTES: 'bytea',
  NUMERIC: 'numeric',
  BIGNUMERIC: 'numeric',
  DATE: 'date',
  TIME: 'time without time zone',
  DATETIME: 'timestamp without time zone',
  TIMESTAMP: 'timestamp with time zone',
  JSON: 'jsonb',
  STRUCT: 'jsonb',
  GEOGRAPHY: 'text',
  INTERVAL: 'interval',
  'RANGE<DATE>': 'daterange',
  'RANGE<DATETIME>': 'tsrange',
  'RANGE<TIMESTAMP>': 'tstzrange',
};

/** Most characters that varchar(n) can declare (MaxAttrSize in the server's htup_details.h). */
const MAX_VARCHAR = 10_485_760;

/**
 * The type in the CREATE TABLE of a target that does not exist: parameters are carried over,
 * an ARRAY of a scalar is a Postgres array, nested data is jsonb.
 */
export function defaultType(column: SourceColumn): string {
  if (column.repeated && column.type === 'STRUCT') return 'jsonb';
  return scalarType(column) + (column.repeated ? '[]' : '');
}

function scalarType(column: SourceColumn): string {
  const { type, maxLength, precision, scale } = column;
  if (type === 'STRING' && maxLength !== undefined && maxLength <= MAX_VARCHAR) {
    return `character varying(${maxLength})`;
  }
  if ((type === 'NUMERIC' || type === 'BIGNUMERIC') && precision !== undefined) {
    return `numeric(${precision},${scale ?? 0})`;
  }
  return DEFAULT_TYPES[type];
}

/** pg_type.typname and oid of the types above; both are fixed for built-in types (pg_type.dat). */
const CATALOG: Readonly<Record<SourceType, readonly [string, number]>> = {
  INT64: ['int8', 20],
  FLOAT64: ['float8', 701],
  BOOL: ['bool', 16],
  STRING: ['text', 25],
  BYTES: ['bytea', 17],
  NUMERIC: ['numeric', 1700],
  BIGNUMERIC: ['numeric', 1700],
  DATE: ['date', 1082],
  TIME: ['time', 1083],
  DATETIME: ['timestamp', 1114],
  TIMESTAMP: ['timestamptz', 1184],
  JSON: ['jsonb', 3802],
  STRUCT: ['jsonb', 3802],
  GEOGRAPHY: ['text', 25],
  INTERVAL: ['interval', 1186],
  'RANGE<DATE>': ['daterange', 3912],
  'RANGE<DATETIME>': ['tsrange', 3908],
  'RANGE<TIMESTAMP>': ['tstzrange', 3910],
};

/** `defaultType` as the catalog will show it once the column is made. */
export function defaultTargetType(column: SourceColumn): TargetType {
  const text = defaultType(column);
  const varchar = /^character varying\((\d+)\)/.exec(text);
  const [name, oid] = varchar ? (['varchar', 1043] as const) : CATALOG[column.type];
  return {
    name,
    oid,
    array: text.endsWith('[]'),
    kind: name.endsWith('range') ? 'r' : 'b',
    length: varchar ? Number(varchar[1]) : undefined,
    text,
  };
}
