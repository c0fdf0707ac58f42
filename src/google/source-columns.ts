import type { TableField } from '@google-cloud/bigquery';
import { ProjectorError } from '../errors.ts';

/** BigQuery's types by their GoogleSQL names; RANGE counts as three, one for each element type. */
export const SOURCE_TYPES = [
  'INT64',
  'FLOAT64',
  'BOOL',
  'STRING',
  'BYTES',
  'NUMERIC',
  'BIGNUMERIC',
  'DATE',
  'TIME',
  'DATETIME',
  'TIMESTAMP',
  'JSON',
  'STRUCT',
  'GEOGRAPHY',
  'INTERVAL',
  'RANGE<DATE>',
  'RANGE<DATETIME>',
  'RANGE<TIMESTAMP>',
] as const;

/** A type of BigQuery. */
export type SourceType = (typeof SOURCE_TYPES)[number];

/** A top-level column of the BigQuery table. */
export interface SourceColumn {
  readonly name: string;
  readonly type: SourceType;
  /** Mode REPEATED: an ARRAY of `type`. */
  readonly repeated: boolean;
  /** Mode REQUIRED. */
  readonly required: boolean;
  readonly description: string | undefined;
  /** L of STRING(L) and BYTES(L). */
  readonly maxLength: number | undefined;
  /** P and S of NUMERIC(P, S) and BIGNUMERIC(P, S). */
  readonly precision: number | undefined;
  readonly scale: number | undefined;
  /** TIMESTAMP(12): picoseconds, which PostgreSQL cannot hold. */
  readonly picoseconds: boolean;
}

/** The type as GoogleSQL writes it: `ARRAY<INT64>`. */
export function sourceTypeText(column: SourceColumn): string {
  const type = column.picoseconds ? 'TIMESTAMP(12)' : column.type;
  return column.repeated ? `ARRAY<${type}>` : type;
}

/** Legacy names that the REST API still answers with (REST reference, TableFieldSchema.type). */
const LEGACY_NAMES: Readonly<Record<string, SourceType>> = {
  INTEGER: 'INT64',
  FLOAT: 'FLOAT64',
  BOOLEAN: 'BOOL',
  RECORD: 'STRUCT',
  BIGDECIMAL: 'BIGNUMERIC',
  DECIMAL: 'NUMERIC',
};

/**
 * The columns of a table from the schema that tables.get answers with.
 * Throws for a type that this program does not know, naming the column.
 */
export function readSourceColumns(fields: readonly TableField[]): readonly SourceColumn[] {
  return fields.map((field) => ({
    name: field.name ?? '',
    type: sourceType(field),
    repeated: field.mode === 'REPEATED',
    required: field.mode === 'REQUIRED',
    description: field.description || undefined,
    maxLength: optionalNumber(field.maxLength),
    precision: optionalNumber(field.precision),
    scale: optionalNumber(field.scale),
    picoseconds: Number((field as { timestampPrecision?: string }).timestampPrecision ?? 6) > 6,
  }));
}

function sourceType(field: TableField): SourceType {
  const written = (field.type ?? '').toUpperCase();
  const name = written === 'RANGE' ? `RANGE<${field.rangeElementType?.type}>` : written;
  const type = LEGACY_NAMES[name] ?? SOURCE_TYPES.find((known) => known === name);
  if (type !== undefined) return type;
  throw new ProjectorError({
    code: 'UNKNOWN_SOURCE_TYPE',
    message: `column ${field.name} has the BigQuery type ${field.type}, which this version does not know`,
    hint: 'Read the table through a view that casts the column or leaves it out.',
  });
}

function optionalNumber(value: string | undefined): number | undefined {
  return value === undefined || value === null ? undefined : Number(value);
}
