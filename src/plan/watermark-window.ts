import { quoteBigQueryPath } from '../google/bigquery-quoting.ts';
import { type Source, sourceFrom, type WatermarkColumn } from '../google/source.ts';
import { type Instant, nextMicrosecond } from '../instant.ts';

/**
 * The query for what is new since `low`: its first cell is the greatest `max_ingested_at` in
 * microseconds since 1970 (NULL if there is none), its second the number of rows. The watermark is a
 * literal, so that partitions are pruned and BigQuery can answer an unchanged table from its cache.
 */
export function countQuery(source: Source, low: Instant | undefined): string {
  const { watermark } = source;
  const name = quoteBigQueryPath(watermark.name);
  const newest = watermark.type === 'DATETIME' ? `TIMESTAMP(MAX(${name}), 'UTC')` : `MAX(${name})`;
  const filter = rowFilter(source, low);
  const where = filter === undefined ? '' : ` WHERE ${filter}`;
  return `SELECT CAST(UNIX_MICROS(${newest}) AS STRING), COUNT(*) FROM ${sourceFrom(source)}${where}`;
}

/**
 * The query for how many rows there are up to `newest`, those without a timestamp included: what an
 * earlier count saw of them, unless rows have gone or have come late. Without `newest`, how many rows
 * have none.
 */
export function countUntilQuery(source: Source, newest: Instant | undefined): string {
  const name = quoteBigQueryPath(source.watermark.name);
  const condition = newest === undefined ? [] : [upTo(source.watermark, newest)];
  return `SELECT COUNT(*) FROM ${sourceFrom(source)} WHERE ${[...condition, `${name} IS NULL`].join(' OR ')}`;
}

/** All that `after` leaves out. */
function upTo(watermark: WatermarkColumn, instant: Instant): string {
  const name = quoteBigQueryPath(watermark.name);
  if (!watermark.picoseconds) return `${name} <= ${literal(watermark, instant)}`;
  if (instant >= LAST_MICROSECOND) return 'TRUE';
  return `${name} < ${literal(watermark, nextMicrosecond(instant))}`;
}

/**
 * The condition of the rows that a run moves: those after `low`; without `low` every row, NULLs too,
 * and no condition but one that a table asks for which requires a filter. There is no upper bound: a
 * run takes what one snapshot of its export sees.
 */
export function rowFilter(
  { watermark, filterColumn }: Pick<Source, 'watermark' | 'filterColumn'>,
  low: Instant | undefined,
): string | undefined {
  if (low !== undefined) return after(watermark, low);
  return filterColumn === undefined ? undefined : anyInstant(watermark);
}

/**
 * Picoseconds are compared as the microseconds that Postgres keeps, or rows would come twice. After the
 * last microsecond of 9999 there is none, neither a literal nor a row.
 */
function after(watermark: WatermarkColumn, low: Instant): string {
  const name = quoteBigQueryPath(watermark.name);
  if (!watermark.picoseconds) return `${name} > ${literal(watermark, low)}`;
  if (low >= LAST_MICROSECOND) return 'FALSE';
  return `${name} >= ${literal(watermark, nextMicrosecond(low))}`;
}

const LAST_MICROSECOND: Instant = '9999-12-31 23:59:59.999999';

/** True for every row; it is there for tables that require a filter on the partition column. */
function anyInstant(watermark: WatermarkColumn): string {
  const name = quoteBigQueryPath(watermark.name);
  return `${name} >= ${literal(watermark, '0001-01-01 00:00:00.000000')} OR ${name} IS NULL`;
}

function literal({ type }: WatermarkColumn, instant: Instant): string {
  return type === 'DATETIME' ? `DATETIME '${instant}'` : `TIMESTAMP '${instant}+00'`;
}
