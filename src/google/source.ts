import type { TableMetadata } from '@google-cloud/bigquery';
import { ProjectorError } from '../errors.ts';
import { filterColumn } from './partition-filter.ts';
import { readSourceColumns, type SourceColumn } from './source-columns.ts';
import { type SourceName, sourcePath, sourceText, WATERMARK_COLUMN } from './source-name.ts';
import {
  readBytes,
  readIsPruned,
  readPrimaryKey,
  readVersion,
  type SourceVersion,
} from './table-facts.ts';
import { tagWarnings } from './visibility.ts';

/** What tables.get answers about the source, as far as a run needs it. */
export interface Source {
  readonly name: SourceName;
  readonly columns: readonly SourceColumn[];
  readonly watermark: WatermarkColumn;
  /** The table refuses queries without a filter on this column, or is a view of what may refuse them. */
  readonly filterColumn: string | undefined;
  readonly version: SourceVersion;
  /** Columns of the primary key that BigQuery declares (NOT ENFORCED), in its order; none without one. */
  readonly primaryKey: readonly string[];
  /** False where every filter on `max_ingested_at` reads the whole table, and is billed for it. */
  readonly isPruned: boolean;
  /** Logical bytes; undefined where BigQuery does not say, as for views. */
  readonly bytes: number | undefined;
  readonly warnings: readonly string[];
}

/** The column `max_ingested_at` of a source. */
export interface WatermarkColumn {
  readonly name: string;
  readonly type: 'TIMESTAMP' | 'DATETIME';
  readonly picoseconds: boolean;
}

/**
 * The source in a FROM clause whose query names columns. A bare name means the row of the table that
 * is called so before it means a column: such a table gets an alias that no column has. (GoogleSQL,
 * "Range variables"; BigQuery, "Specify a schema", column names.)
 */
export function sourceFrom({ name, columns }: Pick<Source, 'name' | 'columns'>): string {
  const taken = new Set(columns.map((column) => column.name.toLowerCase()));
  if (!taken.has(name.table.toLowerCase())) return sourcePath(name);
  let alias = 't';
  while (taken.has(alias)) alias += '_';
  return `${sourcePath(name)} AS ${alias}`;
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
    version: readVersion(metadata),
    primaryKey: readPrimaryKey(metadata),
    isPruned: readIsPruned(metadata),
    bytes: readBytes(metadata),
    warnings: tagWarnings(name, metadata),
  };
}

function checkLocation(name: SourceName, location: string | undefined): void {
  if (location === undefined || location.toLowerCase() === name.location.toLowerCase()) return;
  throw new ProjectorError({
    code: 'WRONG_LOCATION',
    message: `table ${sourceText(name)} is in location ${location}, not in ${name.location}`,
    hint: `Run again with --bq-location ${location}.`,
  });
}

function watermarkColumn(name: SourceName, columns: readonly SourceColumn[]): WatermarkColumn {
  // BigQuery's column names are case-insensitive.
  const column = columns.find((each) => each.name.toLowerCase() === WATERMARK_COLUMN);
  if (column === undefined) {
    throw new ProjectorError({
      code: 'NO_WATERMARK_COLUMN',
      message: `table ${sourceText(name)} has no column ${WATERMARK_COLUMN}`,
      hint: `Add a TIMESTAMP column ${WATERMARK_COLUMN} that is set when a row is written, or read the table through a view that has one.`,
    });
  }
  if (column.repeated || (column.type !== 'TIMESTAMP' && column.type !== 'DATETIME')) {
    throw new ProjectorError({
      code: 'BAD_WATERMARK_COLUMN',
      message: `column ${WATERMARK_COLUMN} of table ${sourceText(name)} is ${column.repeated ? 'an ARRAY of ' : ''}${column.type}; it has to be TIMESTAMP or DATETIME`,
      hint: `Read the table through a view that casts ${WATERMARK_COLUMN} to TIMESTAMP.`,
    });
  }
  return { name: column.name, type: column.type, picoseconds: column.picoseconds };
}
