import type { TableMetadata } from '@google-cloud/bigquery';
import { ProjectorError } from '../errors.ts';
import { type SourceName, sourcePath, sourceText, WATERMARK_COLUMN } from './source-name.ts';

/** What tables.get answers about partitions (REST reference, Table and HivePartitioningOptions). */
interface Partitioning {
  readonly type?: string;
  readonly requirePartitionFilter?: boolean;
  readonly timePartitioning?: {
    readonly field?: string;
    readonly requirePartitionFilter?: boolean;
  };
  readonly rangePartitioning?: { readonly field?: string };
  readonly externalDataConfiguration?: {
    readonly hivePartitioningOptions?: {
      readonly fields?: readonly string[];
      readonly requirePartitionFilter?: boolean;
    };
  };
}

/** Views hand the requirement of what they read on to their own queries, and do not show it. */
const VIEWS = new Set(['VIEW', 'MATERIALIZED_VIEW']);

/**
 * The column that every query has to filter by, which is the watermark's; undefined where there is
 * no such need. Throws where a filter by another column is required. At least one predicate has to
 * reference partition columns only (BigQuery, "Require a partition filter in queries").
 */
export function filterColumn(name: SourceName, metadata: TableMetadata): string | undefined {
  const table = metadata as Partitioning;
  if (VIEWS.has(table.type ?? '')) return WATERMARK_COLUMN;
  const columns = requiredColumns(table);
  if (columns.length === 0) return undefined;
  const own = columns.find((column) => column.toLowerCase() === WATERMARK_COLUMN);
  if (own !== undefined) return own;
  const hive = table.externalDataConfiguration !== undefined;
  throw new ProjectorError({
    code: 'PARTITION_FILTER_REQUIRED',
    message: `table ${sourceText(name)} requires a filter on its partition column ${columns.join(' or ')}, and a run filters by ${WATERMARK_COLUMN} only`,
    hint: hive
      ? 'Make the external table anew without require_hive_partition_filter, or read it through a view that filters by that column.'
      : `Drop the requirement: ALTER TABLE ${sourcePath(name)} SET OPTIONS (require_partition_filter = false). Or read the table through a view that filters by that column.`,
  });
}

function requiredColumns(table: Partitioning): readonly string[] {
  const { timePartitioning: time, rangePartitioning: range } = table;
  const hive = table.externalDataConfiguration?.hivePartitioningOptions;
  if (hive?.requirePartitionFilter === true) return hive.fields ?? [];
  if (table.requirePartitionFilter !== true && time?.requirePartitionFilter !== true) return [];
  return [time?.field ?? range?.field ?? '_PARTITIONTIME'];
}
