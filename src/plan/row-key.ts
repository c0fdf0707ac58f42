import type { SourceColumn } from '../google/source-columns.ts';
import type { ColumnMapping } from './column-mapping.ts';
import { equalInTarget, groupable } from './equal-in-target.ts';

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

/** The name of the column that counts replaced rows: one that the source does not have. */
export function leftOutName({ columns }: { readonly columns: readonly SourceColumn[] }): string {
  const taken = new Set(columns.map(({ name }) => name.toLowerCase()));
  let name = 'rows_left_out';
  while (taken.has(name)) name += '_';
  return name;
}
