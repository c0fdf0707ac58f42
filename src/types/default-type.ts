import type { SourceColumn, SourceType } from './source.ts';

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
