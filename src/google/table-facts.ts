import type { TableMetadata } from '@google-cloud/bigquery';
import { WATERMARK_COLUMN } from './source-name.ts';

/** What distinguishes one state of the source's rows from another. */
export interface SourceVersion {
  /** Milliseconds since the epoch; undefined where BigQuery does not say. */
  readonly creationTime: number | undefined;
  /** The last change of rows or schema, in milliseconds since the epoch. */
  readonly lastModifiedTime: number | undefined;
  /** Rows are in the streaming buffer: they are read, and `lastModifiedTime` does not show them. */
  readonly streaming: boolean;
  /** A view, a materialized view or an external table: the times are of its definition, not of its rows. */
  readonly isView: boolean;
}

/** The tables whose rows are kept elsewhere (REST reference, Table.type). */
const VIEWS = new Set(['VIEW', 'MATERIALIZED_VIEW', 'EXTERNAL']);

/** Reads how the source's rows were last changed from what tables.get answered. */
export function readVersion(metadata: TableMetadata): SourceVersion {
  const { creationTime, lastModifiedTime, streamingBuffer, type } = metadata;
  return {
    creationTime: optionalNumber(creationTime),
    lastModifiedTime: optionalNumber(lastModifiedTime),
    streaming: streamingBuffer != null,
    isView: VIEWS.has(type ?? ''),
  };
}

/** The columns of the primary key that BigQuery declares, and does not enforce; none without one. */
export function readPrimaryKey({ tableConstraints }: TableMetadata): readonly string[] {
  return tableConstraints?.primaryKey?.columns ?? [];
}

/**
 * Whether a filter on `max_ingested_at` reads less than the whole table: it is what the table is
 * partitioned by, or the first column that it is clustered by (BigQuery, "Querying clustered tables").
 * True for views and external tables too: what they read does not show.
 */
export function readIsPruned(metadata: TableMetadata): boolean {
  if (VIEWS.has(metadata.type ?? '')) return true;
  const columns = [metadata.timePartitioning?.field, metadata.clustering?.fields?.[0]];
  return columns.some((column) => column?.toLowerCase() === WATERMARK_COLUMN);
}

/** The size of the table in logical bytes, without its streaming buffer; undefined for views. */
export function readBytes(metadata: TableMetadata): number | undefined {
  return VIEWS.has(metadata.type ?? '') ? undefined : optionalNumber(metadata.numBytes);
}

function optionalNumber(text: string | null | undefined): number | undefined {
  return text == null ? undefined : Number(text);
}
