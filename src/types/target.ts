import type postgres from 'postgres';
import { quoteLiteral, quoteTable, type TableName } from '../identifiers.ts';

/** A column type of the target, with domains resolved to their base and arrays to their element. */
export interface TargetType {
  /** As the catalog names it, without schema: `int4`, `varchar`, `timestamptz`. For arrays, the element's. */
  readonly name: string;
  /** pg_type.oid of `name`: binary arrays carry it. */
  readonly oid: number;
  readonly array: boolean;
  /** b base, c composite, e enum, r range, m multirange, ... (pg_type.typtype). */
  readonly kind: string;
  /** n of varchar(n) and char(n); precision of timestamp(p) and time(p); undefined when not declared. */
  readonly length: number | undefined;
  /** As SQL writes it: `numeric(10,2)`, `text[]`. */
  readonly text: string;
}

export interface TargetColumn {
  readonly name: string;
  readonly type: TargetType;
  readonly notNull: boolean;
  readonly hasDefault: boolean;
  /** GENERATED ALWAYS AS (...) STORED or VIRTUAL: Postgres computes it. */
  readonly generated: boolean;
}

export interface TargetTable {
  readonly oid: number;
  readonly columns: readonly TargetColumn[];
  /** Columns of the primary key, in the order of the key; empty without one. */
  readonly primaryKey: readonly string[];
}

interface ColumnRow {
  readonly table_oid: string;
  readonly name: string;
  readonly type_text: string;
  readonly not_null: boolean;
  readonly has_default: boolean;
  readonly generated: boolean;
  readonly typmod: number;
  readonly type_name: string;
  readonly type_oid: string;
  readonly type_kind: string;
  readonly is_array: boolean;
  readonly key_position: number | null;
}

/**
 * One statement reads all: each column with its domain followed down to the base type and one
 * array level taken off, and its place in the primary key. No rows: the table does not exist, or
 * has no columns at all.
 */
const COLUMNS = `
  WITH RECURSIVE col AS (
    SELECT a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull, a.atthasdef, a.attgenerated
    FROM pg_attribute a
    WHERE a.attrelid = $TABLE AND a.attnum > 0 AND NOT a.attisdropped
  ), resolved(attnum, typid, typmod, is_array) AS (
    SELECT attnum, atttypid, atttypmod, false FROM col
    UNION ALL
    SELECT r.attnum,
           CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.typelem END,
           CASE WHEN t.typtype = 'd' AND r.typmod = -1 THEN t.typtypmod ELSE r.typmod END,
           r.is_array OR t.typtype <> 'd'
    FROM resolved r JOIN pg_type t ON t.oid = r.typid
    WHERE t.typtype = 'd' OR (t.typcategory = 'A' AND t.typelem <> 0 AND t.typlen = -1 AND NOT r.is_array)
  )
  SELECT c.attrelid::text AS table_oid, c.attname AS name,
         format_type(c.atttypid, c.atttypmod) AS type_text,
         c.attnotnull AS not_null, c.atthasdef AS has_default, c.attgenerated <> '' AS generated,
         r.typmod, t.typname AS type_name, t.oid::text AS type_oid, t.typtype AS type_kind,
         r.is_array, array_position(k.conkey, c.attnum) AS key_position
  FROM col c
  JOIN resolved r ON r.attnum = c.attnum
  JOIN pg_type t ON t.oid = r.typid
   AND NOT (t.typtype = 'd' OR (t.typcategory = 'A' AND t.typelem <> 0 AND t.typlen = -1 AND NOT r.is_array))
  LEFT JOIN pg_constraint k ON k.conrelid = c.attrelid AND k.contype = 'p'
  ORDER BY c.attnum`;

/** Reads the columns and the primary key of `table`; undefined if there is no such table. */
export async function readTarget(
  sql: postgres.Sql | postgres.ReservedSql,
  table: TableName,
): Promise<TargetTable | undefined> {
  const place = `to_regclass(${quoteLiteral(quoteTable(table))})`;
  const rows = await sql.unsafe<ColumnRow[]>(COLUMNS.replace('$TABLE', () => place));
  const [first] = rows;
  if (first === undefined) return undefined;
  return {
    oid: Number(first.table_oid),
    columns: rows.map(targetColumn),
    primaryKey: rows
      .filter((row) => row.key_position !== null)
      .sort((a, b) => Number(a.key_position) - Number(b.key_position))
      .map((row) => row.name),
  };
}

function targetColumn(row: ColumnRow): TargetColumn {
  return {
    name: row.name,
    notNull: row.not_null,
    hasDefault: row.has_default,
    generated: row.generated,
    type: {
      name: row.type_name,
      oid: Number(row.type_oid),
      array: row.is_array,
      kind: row.type_kind,
      length: declaredLength(row.type_name, row.typmod),
      text: row.type_text,
    },
  };
}

/** pg_attribute.atttypmod counts a header of four bytes for character types, and none for times. */
function declaredLength(type: string, typmod: number): number | undefined {
  if (typmod < 0) return undefined;
  if (type === 'varchar' || type === 'bpchar') return typmod - 4;
  if (['timestamp', 'timestamptz', 'time', 'timetz'].includes(type)) return typmod;
  return undefined;
}
