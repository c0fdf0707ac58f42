import { quoteBigQueryPath } from '../google/bigquery-quoting.ts';
import type { SourceColumn, SourceType } from '../google/source-columns.ts';
import type { ColumnMapping } from './column-mapping.ts';

/**
 * The key of the target's rows, in both modes: of the rows of a key the newest `max_ingested_at` wins,
 * and BigQuery picks it.
 */
export interface RowKey {
  /** The columns of the target's primary key, in its order. */
  readonly columns: readonly string[];
  /** The same in BigQuery, as PARTITION BY takes them. */
  readonly partitionBy: readonly string[];
  /** Expressions that are equal for keys which the target's types make equal, for a diagnostic query. */
  readonly equalInTarget: readonly string[];
}

/** The key by the target's column names; undefined where BigQuery does not have all of them, or there are none. */
export function rowKey(
  columns: readonly string[],
  mappings: readonly ColumnMapping[],
): RowKey | undefined {
  const parts = columns.flatMap((name) => mappings.filter(({ target }) => target.name === name));
  if (parts.length === 0 || parts.length < columns.length) return undefined;
  return {
    columns,
    partitionBy: parts.map(({ source }) => groupable(source)),
    equalInTarget: parts.map(equalInTarget),
  };
}

/** The types that PARTITION BY does not take (GoogleSQL, "Data type properties": groupable). */
const BY_TEXT: ReadonlySet<SourceType> = new Set<SourceType>(['FLOAT64']);
const BY_JSON: ReadonlySet<SourceType> = new Set<SourceType>(['JSON', 'STRUCT']);

/** The column, or a text that is equal where its values are. */
function groupable(source: SourceColumn): string {
  const name = quoteBigQueryPath(source.name);
  if (source.repeated || BY_JSON.has(source.type)) return `TO_JSON_STRING(${name})`;
  if (source.type === 'GEOGRAPHY') return `ST_ASTEXT(${name})`;
  return BY_TEXT.has(source.type) ? `CAST(${name} AS STRING)` : name;
}

/** As the target's type rounds, folds or pads: close enough to find the rows, and only for that. */
function equalInTarget({ source, target }: ColumnMapping): string {
  const name = quoteBigQueryPath(source.name);
  const { name: type, length, text } = target.type;
  const scale = /^numeric\(\d+,(\d+)\)/.exec(text)?.[1];
  if (type === 'citext') return `LOWER(${name})`;
  if (type === 'bpchar') return `RTRIM(${name})`;
  if (scale !== undefined)
    return `ROUND(${isNumber(source) ? name : `SAFE_CAST(${name} AS NUMERIC)`}, ${scale})`;
  if (/^int\d$/.test(type)) return `SAFE_CAST(${name} AS INT64)`;
  if (type === 'float4') return `ROUND(SAFE_CAST(${name} AS FLOAT64), 6)`;
  if (/^timestamp/.test(type) && length !== undefined) {
    return `FORMAT_TIMESTAMP('%E${length}S %F %H:%M', TIMESTAMP(${name}))`;
  }
  return groupable(source);
}

function isNumber({ type }: SourceColumn): boolean {
  return type === 'NUMERIC' || type === 'BIGNUMERIC' || type === 'FLOAT64';
}

/** The name of the column that counts replaced rows: one that the source does not have. */
export function leftOutName({ columns }: { readonly columns: readonly SourceColumn[] }): string {
  const taken = new Set(columns.map(({ name }) => name.toLowerCase()));
  let name = 'rows_left_out';
  while (taken.has(name)) name += '_';
  return name;
}
