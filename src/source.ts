import type { TableField, TableMetadata } from '@google-cloud/bigquery';
import { ProjectorError } from './errors.ts';
import { quoteBigQueryPath } from './identifiers.ts';
import { readSourceColumns, type SourceColumn } from './types/source.ts';

/** The column that every source must have: it says which rows are new. */
export const WATERMARK_COLUMN = 'max_ingested_at';

/** The BigQuery table by its place. */
export interface SourceName {
  /** undefined: the project of the credentials. */
  readonly project: string | undefined;
  readonly dataset: string;
  readonly table: string;
  readonly location: string;
}

/** What tables.get tells of the source, as far as a run needs it. */
export interface Source {
  readonly name: SourceName;
  readonly columns: readonly SourceColumn[];
  readonly watermark: WatermarkColumn;
  /** The table refuses queries without a filter on its partition column, which is this one. */
  readonly filterColumn: string | undefined;
  readonly warnings: readonly string[];
}

export interface WatermarkColumn {
  readonly name: string;
  readonly type: 'TIMESTAMP' | 'DATETIME';
  readonly picoseconds: boolean;
}

/** `project.dataset.table`, as messages show it. */
export function sourceText(name: SourceName): string {
  return [name.project, name.dataset, name.table].filter((part) => part !== undefined).join('.');
}

/** The source in a FROM clause. */
export function sourcePath(name: SourceName): string {
  const project = name.project === undefined ? [] : [name.project];
  return quoteBigQueryPath(...project, name.dataset, name.table);
}

/**
 * Reads what tables.get answered. Throws for a table in another location, a source without a
 * usable `max_ingested_at`, and one that cannot be read by a filter on it.
 */
export function readSource(name: SourceName, metadata: TableMetadata): Source {
  checkLocation(name, metadata.location);
  const columns = readSourceColumns(metadata.schema?.fields ?? []);
  return {
    name,
    columns,
    watermark: watermarkColumn(name, columns),
    filterColumn: filterColumn(name, metadata),
    warnings: visibilityWarnings(name, metadata),
  };
}

function checkLocation(name: SourceName, location: string | undefined): void {
  if (location === undefined || location.toLowerCase() === name.location.toLowerCase()) return;
  throw new ProjectorError({
    code: 'WRONG_LOCATION',
    message: `table ${sourceText(name)} is in location ${location}, not in ${name.location}`,
    next: `Run again with --bq-location ${location}.`,
  });
}

function watermarkColumn(name: SourceName, columns: readonly SourceColumn[]): WatermarkColumn {
  // BigQuery's column names are case-insensitive.
  const column = columns.find((each) => each.name.toLowerCase() === WATERMARK_COLUMN);
  if (column === undefined) {
    throw new ProjectorError({
      code: 'NO_WATERMARK_COLUMN',
      message: `table ${sourceText(name)} has no column ${WATERMARK_COLUMN}`,
      next: `Add a TIMESTAMP column ${WATERMARK_COLUMN} that is set when a row is written, or read the table through a view that has one.`,
    });
  }
  if (column.repeated || (column.type !== 'TIMESTAMP' && column.type !== 'DATETIME')) {
    throw new ProjectorError({
      code: 'BAD_WATERMARK_COLUMN',
      message: `column ${WATERMARK_COLUMN} of table ${sourceText(name)} is ${column.repeated ? 'an ARRAY of ' : ''}${column.type}; it has to be TIMESTAMP or DATETIME`,
      next: `Read the table through a view that casts ${WATERMARK_COLUMN} to TIMESTAMP.`,
    });
  }
  return { name: column.name, type: column.type, picoseconds: column.picoseconds };
}

/** The partition column where a filter on it is required (TableMetadata.requirePartitionFilter). */
function filterColumn(name: SourceName, metadata: TableMetadata): string | undefined {
  const time = metadata.timePartitioning;
  const required = metadata['requirePartitionFilter'] === true || time?.requirePartitionFilter;
  if (!required) return undefined;
  const column = time?.field ?? metadata['rangePartitioning']?.field ?? '_PARTITIONTIME';
  if (column.toLowerCase() === WATERMARK_COLUMN) return column;
  throw new ProjectorError({
    code: 'PARTITION_FILTER_REQUIRED',
    message: `table ${sourceText(name)} requires a filter on its partition column ${column}, and a run filters by ${WATERMARK_COLUMN} only`,
    next: `Drop the requirement: ALTER TABLE ${sourcePath(name)} SET OPTIONS (require_partition_filter = false).`,
  });
}

/**
 * What this account may not see. Row access policies do not show in tables.get, only in the
 * statistics of the job that met them (JobStatistics.rowLevelSecurityStatistics).
 */
function visibilityWarnings(name: SourceName, metadata: TableMetadata): readonly string[] {
  const tagged = taggedFields(metadata.schema?.fields ?? [], '');
  if (tagged.length === 0) return [];
  return [
    `table ${sourceText(name)} has policy tags on ${tagged.join(', ')}: where they mask values for this account, the masked values are loaded`,
  ];
}

/** TableFieldSchema.policyTags and .dataPolicies, at any depth. */
function taggedFields(fields: readonly TableField[], prefix: string): readonly string[] {
  return fields.flatMap((field) => {
    const path = `${prefix}${field.name}`;
    const { dataPolicies } = field as { readonly dataPolicies?: readonly unknown[] };
    const tagged = field.policyTags?.names?.length || dataPolicies?.length;
    return [...(tagged ? [path] : []), ...taggedFields(field.fields ?? [], `${path}.`)];
  });
}
