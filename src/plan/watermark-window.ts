import { quoteBigQueryPath } from '../google/bigquery-quoting.ts';
import { type Source, sourceFrom, type WatermarkColumn } from '../google/source.ts';
import { type Instant, nextMicrosecond } from '../instant.ts';

/** `low < max_ingested_at <= high`; without `low`, everything up to `high`, and the NULLs. */
export interface Window {
  readonly low: Instant | undefined;
  /** undefined: no row of the source has a `max_ingested_at`. */
  readonly high: Instant | undefined;
}

/**
 * The query for what is new: its first cell is the greatest `max_ingested_at` in microseconds since
 * 1970 (NULL if there is none), its second the number of rows. The watermark is a literal, so that
 * partitions are pruned.
 */
export function newestQuery(source: Source, low: Instant | undefined): string {
  const { watermark, filterColumn } = source;
  const name = quoteBigQueryPath(watermark.name);
  const newest = watermark.type === 'DATETIME' ? `TIMESTAMP(MAX(${name}), 'UTC')` : `MAX(${name})`;
  const everything = filterColumn === undefined ? '' : ` WHERE ${anyInstant(watermark)}`;
  const where = low === undefined ? everything : ` WHERE ${after(watermark, low)}`;
  return `SELECT CAST(UNIX_MICROS(${newest}) AS STRING), COUNT(*) FROM ${sourceFrom(source)}${where}`;
}

/** The WHERE clause of the export. */
export function windowFilter(watermark: WatermarkColumn, { low, high }: Window): string {
  const name = quoteBigQueryPath(watermark.name);
  if (high === undefined) return `${name} IS NULL`;
  if (low === undefined) return `${upTo(watermark, high)} OR ${name} IS NULL`;
  return `${after(watermark, low)} AND ${upTo(watermark, high)}`;
}

/** Picoseconds are compared as the microseconds that Postgres keeps, or rows would come twice. */
function after(watermark: WatermarkColumn, low: Instant): string {
  const name = quoteBigQueryPath(watermark.name);
  if (watermark.picoseconds) return `${name} >= ${literal(watermark, nextMicrosecond(low))}`;
  return `${name} > ${literal(watermark, low)}`;
}

function upTo(watermark: WatermarkColumn, high: Instant): string {
  const name = quoteBigQueryPath(watermark.name);
  if (watermark.picoseconds) return `${name} < ${literal(watermark, nextMicrosecond(high))}`;
  return `${name} <= ${literal(watermark, high)}`;
}

/** True for every row; it is there for tables that require a filter on the partition column. */
function anyInstant(watermark: WatermarkColumn): string {
  const name = quoteBigQueryPath(watermark.name);
  return `${name} >= ${literal(watermark, '0001-01-01 00:00:00.000000')} OR ${name} IS NULL`;
}

function literal({ type }: WatermarkColumn, instant: Instant): string {
  return type === 'DATETIME' ? `DATETIME '${instant}'` : `TIMESTAMP '${instant}+00'`;
}
