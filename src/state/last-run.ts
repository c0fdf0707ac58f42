import type { Session } from '../postgres/pool.ts';
import { quoteLiteral, quoteTable, type TableName, tableText } from '../postgres/quoting.ts';
import { DATABASE_ID } from './ledger.ts';
import type { StateTables } from './state-tables.ts';
import { meaningOf } from './watermark.ts';

/** What the runs before tell of a target. */
export interface LastRun {
  /** `project.dataset.table` that its rows came from; undefined: no run is known that brought any. */
  readonly source: string | undefined;
  /** The primary key that it had; undefined: not known. */
  readonly primaryKey: readonly string[] | undefined;
  /** The target of the newest run that was given the name of this one; undefined: none is known. */
  readonly meant: string | undefined;
  /** The target as the last run left it; undefined: not known, or it was in another database. */
  readonly targetOid: number | undefined;
  /** The target as it is now, with its pg_class.relpersistence; undefined: it is not there. */
  readonly table: { readonly oid: number; readonly persistence: string } | undefined;
}

interface LastRunRow {
  readonly source: string | null;
  readonly primary_key: string | null;
  readonly meant: string | null;
  readonly target_oid: string | null;
  readonly oid: string | null;
  readonly persistence: string | null;
}

/** Reads what the newest applied runs on `target`, and those that were given the name `text`, say. */
export async function readLastRun(
  sql: Session,
  tables: StateTables,
  target: TableName,
  text: string,
): Promise<LastRun> {
  const newest = (column: string, condition: string) =>
    `(SELECT ${column} FROM ${quoteTable(tables.runs)}
      WHERE target = ${quoteLiteral(tableText(target))} AND status IN ('committed', 'applied')
        AND ${condition} ORDER BY started_at DESC LIMIT 1)`;
  const [row] = await sql.unsafe<LastRunRow[]>(
    `SELECT ${newest('source', 'mode IS NOT NULL')} AS source,
      ${newest('to_json(primary_key)::text', 'primary_key IS NOT NULL')} AS primary_key,
      ${meaningOf(tables, quoteLiteral(text))} AS meant,
      ${newest('target_oid::text', `${BROUGHT_ROWS} AND database_id = ${DATABASE_ID}`)} AS target_oid,
      c.oid::text, c.relpersistence AS persistence
     FROM (SELECT) AS one LEFT JOIN pg_class c ON c.oid = to_regclass(${quoteLiteral(quoteTable(target))})`,
  );
  return {
    meant: row?.meant ?? undefined,
    targetOid: row?.target_oid == null ? undefined : Number(row.target_oid),
    table:
      row?.oid == null ? undefined : { oid: Number(row.oid), persistence: row.persistence ?? '' },
    source: row?.source ?? undefined,
    primaryKey: row?.primary_key == null ? undefined : JSON.parse(row.primary_key),
  };
}

/** The runs whose commit recorded which table it left. */
const BROUGHT_ROWS = "(mode = 'full' OR rows > 0)";

/**
 * Whether the target's row of `sync_state` is as a run in the ledger has left it: nobody has written it
 * since, nor a run that is not in the ledger.
 */
export async function isLeftByRun(
  sql: Session,
  tables: StateTables,
  target: TableName,
  tableName: string,
): Promise<boolean> {
  const [row] = await sql.unsafe<{ found: boolean }[]>(
    `SELECT EXISTS (SELECT FROM ${quoteTable(tables.runs)} AS run
       JOIN ${quoteTable(tables.state)} AS state ON state.xmin::text = run.state_version
       WHERE run.target = ${quoteLiteral(tableText(target))} AND run.status = 'applied'
         AND run.database_id = ${DATABASE_ID} AND state.table_name = ${quoteLiteral(tableName)}) AS found`,
  );
  return row?.found ?? false;
}

/** Whether both texts name one source: a dataset with and without its project is the same. */
export function isSameSource(one: string, other: string): boolean {
  const [ownTable, ownDataset, ...own] = one.split('.').reverse();
  const [table, dataset, ...project] = other.split('.').reverse();
  if (ownTable !== table || ownDataset !== dataset) return false;
  return own.length === 0 || project.length === 0 || own.join('.') === project.join('.');
}
