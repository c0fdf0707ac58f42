import type { Field } from './types.ts';

/**
 * BigQuery's type of a value, read from DuckDB's name of the type it is kept in. DuckDB has no type
 * for some of BigQuery's: these are kept as a STRUCT whose only field has a tell-tale name.
 */
export type ValueType =
  | { readonly kind: ScalarKind }
  | { readonly kind: 'RANGE' | 'ARRAY'; readonly element: ValueType }
  | { readonly kind: 'STRUCT'; readonly fields: readonly StructField[] };

export interface StructField {
  readonly name: string;
  readonly type: ValueType;
}

export type ScalarKind =
  | 'INT64'
  | 'FLOAT64'
  | 'BOOL'
  | 'STRING'
  | 'BYTES'
  | 'NUMERIC'
  | 'BIGNUMERIC'
  | 'DATE'
  | 'TIME'
  | 'DATETIME'
  | 'TIMESTAMP'
  | 'JSON'
  | 'GEOGRAPHY'
  | 'INTERVAL';

/** DuckDB's decimals end at 38 digits, BigQuery's BIGNUMERIC has 76: kept as canonical text. */
const BIGNUMERIC_FIELD = '$bignumeric';
/** Kept as well-known text. */
const GEOGRAPHY_FIELD = '$geography';
const RANGE_START_FIELD = '$start';
const RANGE_END_FIELD = '$end';

/** DuckDB's types for the ones that it does not have, by the names that translated SQL uses. */
export const TAGGED_TYPES: Readonly<Record<string, string>> = {
  bq_numeric: 'DECIMAL(38,9)',
  bq_timestamp: 'TIMESTAMP WITH TIME ZONE',
  // TIMESTAMP(12): DuckDB has nanoseconds at most, and of these no type with a zone. It is UTC.
  bq_picoseconds: 'TIMESTAMP_NS',
  bq_bignumeric: `STRUCT("${BIGNUMERIC_FIELD}" VARCHAR)`,
  bq_geography: `STRUCT("${GEOGRAPHY_FIELD}" VARCHAR)`,
};

const DUCKDB_SCALARS: Readonly<Record<string, ScalarKind>> = {
  TINYINT: 'INT64',
  SMALLINT: 'INT64',
  INTEGER: 'INT64',
  BIGINT: 'INT64',
  UTINYINT: 'INT64',
  USMALLINT: 'INT64',
  UINTEGER: 'INT64',
  UBIGINT: 'INT64',
  HUGEINT: 'INT64',
  FLOAT: 'FLOAT64',
  DOUBLE: 'FLOAT64',
  BOOLEAN: 'BOOL',
  VARCHAR: 'STRING',
  UUID: 'STRING',
  BLOB: 'BYTES',
  DATE: 'DATE',
  TIME: 'TIME',
  TIMESTAMP: 'DATETIME',
  'TIMESTAMP WITH TIME ZONE': 'TIMESTAMP',
  TIMESTAMP_NS: 'TIMESTAMP',
  JSON: 'JSON',
  INTERVAL: 'INTERVAL',
  // The type of a bare NULL, which BigQuery takes for an INT64.
  '"NULL"': 'INT64',
  NULL: 'INT64',
};

/** Reads a type as DuckDB's `typeof` and `DESCRIBE` write it. */
export function parseValueType(text: string): ValueType {
  if (text.endsWith('[]')) return { kind: 'ARRAY', element: parseValueType(text.slice(0, -2)) };
  if (text.startsWith('STRUCT(')) return structType(splitFields(text.slice(7, -1)));
  if (text.startsWith('DECIMAL')) return { kind: 'NUMERIC' };
  const kind = DUCKDB_SCALARS[text];
  if (kind === undefined) throw new Error(`BigQuery has no type for DuckDB's ${text}`);
  return { kind };
}

function structType(fields: readonly StructField[]): ValueType {
  const [first] = fields;
  if (first?.name === BIGNUMERIC_FIELD) return { kind: 'BIGNUMERIC' };
  if (first?.name === GEOGRAPHY_FIELD) return { kind: 'GEOGRAPHY' };
  if (first?.name === RANGE_START_FIELD) return { kind: 'RANGE', element: first.type };
  return { kind: 'STRUCT', fields };
}

/** Splits `a BIGINT, "b c" STRUCT(d DATE)` at its own commas. */
function splitFields(text: string): StructField[] {
  const fields: StructField[] = [];
  let depth = 0;
  let quoted = false;
  let start = 0;
  for (let at = 0; at <= text.length; at += 1) {
    const letter = text[at];
    if (letter === '"') quoted = !quoted;
    if (quoted) continue;
    if (letter === '(') depth += 1;
    if (letter === ')') depth -= 1;
    if (letter !== undefined && (letter !== ',' || depth > 0)) continue;
    fields.push(parseField(text.slice(start, at).trim()));
    start = at + 1;
  }
  return fields;
}

function parseField(text: string): StructField {
  const match = /^(?:"((?:[^"]|"")*)"|(\S+)) (.*)$/s.exec(text);
  if (match === null) throw new Error(`not a field of a DuckDB struct: ${text}`);
  const name = match[1]?.replaceAll('""', '"') ?? match[2] ?? '';
  return { name, type: parseValueType(match[3] ?? '') };
}

/** BigQuery's standard name of a type, also where REST and legacy SQL write another. */
const STANDARD_NAMES: Readonly<Record<string, string>> = {
  INTEGER: 'INT64',
  FLOAT: 'FLOAT64',
  BOOLEAN: 'BOOL',
  RECORD: 'STRUCT',
  DECIMAL: 'NUMERIC',
  BIGDECIMAL: 'BIGNUMERIC',
};

const DUCKDB_NAMES: Readonly<Record<string, string>> = {
  INT64: 'BIGINT',
  FLOAT64: 'DOUBLE',
  BOOL: 'BOOLEAN',
  STRING: 'VARCHAR',
  BYTES: 'BLOB',
  NUMERIC: 'DECIMAL(38,9)',
  BIGNUMERIC: `STRUCT("${BIGNUMERIC_FIELD}" VARCHAR)`,
  DATE: 'DATE',
  TIME: 'TIME',
  DATETIME: 'TIMESTAMP',
  TIMESTAMP: 'TIMESTAMPTZ',
  JSON: 'JSON',
  GEOGRAPHY: `STRUCT("${GEOGRAPHY_FIELD}" VARCHAR)`,
  INTERVAL: 'INTERVAL',
};

/** DuckDB's type for a column of a BigQuery table. */
export function duckdbType(field: Field): string {
  const name = field.type.toUpperCase();
  const single = singleType(STANDARD_NAMES[name] ?? name, field);
  return field.mode === 'REPEATED' ? `${single}[]` : single;
}

function singleType(name: string, field: Field): string {
  if (name === 'STRUCT') {
    const parts = (field.fields ?? []).map((part) => `${quote(part.name)} ${duckdbType(part)}`);
    return `STRUCT(${parts.join(', ')})`;
  }
  if (name === 'RANGE') return rangeType(field.rangeElementType?.type ?? 'DATE');
  if (field.timestampPrecision === '12') return 'TIMESTAMP_NS';
  const type = DUCKDB_NAMES[name];
  if (type === undefined) throw new Error(`the stand-in has no type ${field.type}`);
  return type;
}

/** DuckDB's type for RANGE<element>. */
export function rangeType(element: string): string {
  const type = DUCKDB_NAMES[element.toUpperCase()] ?? 'DATE';
  return `STRUCT("${RANGE_START_FIELD}" ${type}, "${RANGE_END_FIELD}" ${type})`;
}

/** The name in BigQuery's REST schemas, which keep the legacy ones (recorded: INTEGER, RECORD). */
const REST_NAMES: Readonly<Record<string, string>> = {
  INT64: 'INTEGER',
  FLOAT64: 'FLOAT',
  BOOL: 'BOOLEAN',
  STRUCT: 'RECORD',
};

/** A column of a query's result in REST form. */
export function restField(name: string, type: ValueType): Field {
  if (type.kind === 'ARRAY') return { ...restField(name, type.element), mode: 'REPEATED' };
  const field = { name, type: REST_NAMES[type.kind] ?? type.kind, mode: 'NULLABLE' } as const;
  if (type.kind === 'STRUCT') {
    return { ...field, fields: type.fields.map((part) => restField(part.name, part.type)) };
  }
  if (type.kind === 'RANGE') return { ...field, rangeElementType: { type: type.element.kind } };
  return field;
}

/** A column as `tables.get` shows it: the type under its REST name, all else as it was given. */
export function restTableField(field: Field): Field {
  const name = field.type.toUpperCase();
  const standard = STANDARD_NAMES[name] ?? name;
  const shown = { ...field, type: REST_NAMES[standard] ?? standard };
  return field.fields === undefined
    ? shown
    : { ...shown, fields: field.fields.map(restTableField) };
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
