import { ProjectorError } from '../errors.ts';
import type { Instant } from '../instant.ts';
import { quoteLiteral, quoteTable } from '../postgres/quoting.ts';
import type { StateTables } from './state-tables.ts';

/** `expression`, a timestamp, as an Instant; the microseconds stay. */
export function asInstant(expression: string): string {
  return `CASE WHEN isfinite(${expression}) THEN to_char(${expression}, 'YYYY-MM-DD HH24:MI:SS.US') ELSE ${expression}::text END`;
}

/** A row of `watermarkQuery`. */
export interface WatermarkRow {
  readonly watermark: string | null;
  /** Whether it is later than the clock of the server says; null where there is none. */
  readonly ahead: boolean | null;
}

/** Reads the watermark of a table, as text, by `tableName`: `--pg-table` as it was given. */
export function watermarkQuery(tables: StateTables, tableName: string): string {
  return `SELECT ${asInstant('last_synced_at')} AS watermark,
      last_synced_at > now() AT TIME ZONE 'UTC' AS ahead
    FROM ${quoteTable(tables.state)} WHERE table_name = ${quoteLiteral(tableName)}`;
}

/**
 * Sets the watermark, if the query named `only` has a row; undefined is NULL, which makes the next
 * run a full load.
 */
export function setWatermark(
  tables: StateTables,
  tableName: string,
  watermark: Instant | undefined,
  only: string,
): string {
  const value = watermark === undefined ? 'NULL' : quoteLiteral(watermark);
  return `INSERT INTO ${quoteTable(tables.state)} (table_name, last_synced_at)
    SELECT ${quoteLiteral(tableName)}, ${value}::timestamp FROM ${only}
    ON CONFLICT (table_name) DO UPDATE SET last_synced_at = EXCLUDED.last_synced_at`;
}

/** The statement that makes the next run a full load, for messages. */
export function resetStatement(tables: StateTables, tableName: string): string {
  return `UPDATE ${quoteTable(tables.state)} SET last_synced_at = NULL WHERE table_name = ${quoteLiteral(tableName)};`;
}

/** What is said of a watermark that the clock of the server has not reached. */
export function aheadText(tables: StateTables, tableName: string, watermark: Instant): string {
  return `the watermark of ${tableName}, ${watermark} UTC, is in the future: rows with earlier times are not seen. If it is wrong, set it to NULL for a full load: ${resetStatement(tables, tableName)}`;
}

/** Refuses what someone may have written by hand and no row of BigQuery can have. */
export function checkWatermark(
  tables: StateTables,
  tableName: string,
  watermark: string | undefined,
): Instant | undefined {
  if (watermark === undefined || /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$/.test(watermark)) {
    return watermark;
  }
  throw new ProjectorError({
    code: 'BAD_WATERMARK',
    message: `the watermark of ${tableName} in ${quoteTable(tables.state)} is ${watermark}, which BigQuery's timestamps do not reach`,
    hint: `Set it to NULL for a full load: ${resetStatement(tables, tableName)}`,
  });
}
