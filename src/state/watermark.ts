import { ProjectorError } from '../errors.ts';
import type { Instant } from '../instant.ts';
import type { Session } from '../postgres/pool.ts';
import { quoteLiteral, quoteTable } from '../postgres/quoting.ts';
import type { StateTables } from './state-tables.ts';

/**
 * `expression`, a timestamp, as an Instant; the microseconds stay. What is before year 1, for which
 * `to_char` says no era, or infinite is no Instant, and as PostgreSQL writes it.
 */
export function asInstant(expression: string): string {
  const reachable = `${expression} >= '0001-01-01' AND ${expression} < 'infinity'`;
  return `CASE WHEN ${reachable} THEN to_char(${expression}, 'YYYY-MM-DD HH24:MI:SS.US') ELSE ${expression}::text END`;
}

/** A row of `sync_state`. */
export interface WatermarkRow {
  /** `--pg-table` in the spelling of the run that wrote the row. */
  readonly tableName: string;
  /** undefined: NULL, which asks for a full load. */
  readonly value: string | undefined;
  /** Another after each UPDATE, also one that changes nothing; null: there is no such row. */
  readonly version: string | null;
  /** Whether it is later than the clock of the server says. */
  readonly ahead: boolean;
  /** The target of the newest run that was given this name and brought rows; undefined: none is known. */
  readonly meant: string | undefined;
}

/** All rows of `sync_state`, with what their names meant: which of them is a target's is for `findWatermark` to say. */
export async function readWatermarks(
  sql: Session,
  tables: StateTables,
): Promise<readonly WatermarkRow[]> {
  const rows = await sql.unsafe<
    {
      table_name: string;
      value: string | null;
      version: string;
      ahead: boolean | null;
      meant: string | null;
    }[]
  >(`SELECT table_name, ${asInstant('last_synced_at')} AS value, xmin::text AS version,
      last_synced_at > now() AT TIME ZONE 'UTC' AS ahead, ${meaningOf(tables, 'state.table_name')} AS meant
     FROM ${quoteTable(tables.state)} AS state`);
  return rows.map(({ table_name, value, version, ahead, meant }) => ({
    tableName: table_name,
    version,
    value: value ?? undefined,
    ahead: ahead === true,
    meant: meant ?? undefined,
  }));
}

/** SQL expression for the target of the newest run that was given the name `name` and brought rows. */
export function meaningOf(tables: StateTables, name: string): string {
  return `(SELECT run.target FROM ${quoteTable(tables.runs)} AS run
    WHERE run.table_name = ${name} AND run.status IN ('committed', 'applied')
    ORDER BY run.started_at DESC LIMIT 1)`;
}

/** The watermark of one row as it is now; undefined: NULL, or no such row. */
export async function readWatermark(
  sql: Session,
  tables: StateTables,
  tableName: string,
): Promise<string | undefined> {
  const [row] = await sql.unsafe<{ value: string | null }[]>(
    `SELECT ${asInstant('last_synced_at')} AS value FROM ${quoteTable(tables.state)}
     WHERE table_name = ${quoteLiteral(tableName)}`,
  );
  return row?.value ?? undefined;
}

/** The statement that makes the next run a full load, for messages. */
export function resetStatement(tables: StateTables, tableName: string): string {
  return `UPDATE ${quoteTable(tables.state)} SET last_synced_at = NULL WHERE table_name = ${quoteLiteral(tableName)};`;
}

/** The warning for a watermark that the clock of the server has not reached. */
export function aheadText(tables: StateTables, { tableName, value }: WatermarkRow): string {
  return `the watermark of ${tableName}, ${value} UTC, is in the future: rows with earlier times are not seen. If it is wrong, set it to NULL for a full load: ${resetStatement(tables, tableName)}`;
}

/** Refuses what someone may have written by hand and no row of BigQuery can have: BAD_WATERMARK. */
export function checkWatermark(
  tables: StateTables,
  row: Pick<WatermarkRow, 'tableName' | 'value'>,
): Instant | undefined {
  const { tableName, value } = row;
  if (value === undefined || /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$/.test(value)) return value;
  throw new ProjectorError({
    code: 'BAD_WATERMARK',
    message: `the watermark of ${tableName} in ${quoteTable(tables.state)} is ${value}, which BigQuery's timestamps do not reach`,
    hint: `Set it to NULL for a full load: ${resetStatement(tables, tableName)}`,
  });
}
