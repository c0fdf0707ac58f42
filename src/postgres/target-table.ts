import type postgres from 'postgres';
import { type Partitioning, readPartitioning } from './partitioning.ts';
import { quoteLiteral, quoteTable, type TableName } from './quoting.ts';
import { isVectorType, VECTOR_TYPES } from './vector-types.ts';

/** A column type of the target, with domains resolved to their base and arrays to their element. */
export interface TargetType {
  /** As the catalog names it, without schema: `int4`, `varchar`, `timestamptz`. For arrays, the element's. */
  readonly name: string;
  /** pg_type.oid; of arrays, the oid of the element as declared (a domain's own): binary arrays carry it. */
  readonly oid: number;
  readonly array: boolean;
  /** b base, c composite, e enum, r range, m multirange, ... (pg_type.typtype). */
  readonly kind: string;
  /** n of varchar(n), char(n) and vector(n); what timestamp(p), time(p) and interval(p) declare; else undefined. */
  readonly length: number | undefined;
  /** As SQL writes it: `numeric(10,2)`, `text[]`. */
  readonly text: string;
}

/** A column of the target, as far as loading it is concerned. */
export interface CatalogColumn {
  readonly name: string;
  readonly type: TargetType;
  readonly notNull: boolean;
  /** A default of its own or of its domain, or an identity. */
  readonly hasDefault: boolean;
  /** GENERATED ALWAYS AS IDENTITY: COPY and INSERT can set it, UPDATE cannot. */
  readonly identityAlways: boolean;
  /** GENERATED ALWAYS AS (...) STORED or VIRTUAL: Postgres computes it. */
  readonly generated: boolean;
}

/** The target, as far as loading it is concerned. */
export interface TargetTable {
  readonly oid: number;
  readonly name: TableName;
  readonly columns: readonly CatalogColumn[];
  /** Columns that the table has and those that were dropped: they count for PostgreSQL's limit, too. */
  readonly slots: number;
  /** Columns of the primary key, in the order of the key; empty without one. */
  readonly primaryKey: readonly string[];
  /** The primary key is DEFERRABLE: ON CONFLICT does not take it. */
  readonly deferrableKey: boolean;
  /** Row security holds for this user, as under FORCE: COPY does not write to the table. */
  readonly rowSecurity: boolean;
  /** pg_class.relpersistence: p permanent, u unlogged (one of its partitions, perhaps), t temporary. */
  readonly persistence: string;
  /** undefined: it is neither partitioned nor a partition. */
  readonly partitioning: Partitioning | undefined;
}

interface ColumnRow {
  readonly table_oid: string;
  readonly slots: number;
  readonly name: string;
  readonly type_text: string;
  readonly not_null: boolean;
  readonly has_default: boolean;
  readonly identity_always: boolean;
  readonly generated: boolean;
  readonly typmod: number;
  readonly type_name: string;
  readonly type_oid: string;
  readonly type_kind: string;
  readonly is_array: boolean;
  readonly key_position: number | null;
  readonly deferrable_key: boolean;
  readonly row_security: boolean;
  readonly persistence: string;
  readonly in_tree: boolean;
}

/**
 * One statement reads all: each column with its domain followed down to the base type and one
 * array level taken off, and its place in the primary key. Money is what it is by lc_monetary: only
 * where that has a point and two digits can its text be written. A type is pgvector's if it belongs to
 * that extension, in whatever schema, and not by its name. No rows: the table does not exist, or has no
 * columns at all.
 */
const COLUMNS = `
  WITH RECURSIVE col AS (
    SELECT a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull,
           a.atthasdef, a.attgenerated, a.attidentity
    FROM pg_attribute a
    WHERE a.attrelid = $TABLE AND a.attnum > 0 AND NOT a.attisdropped
  ), resolved(attnum, typid, typmod, element) AS (
    SELECT attnum, atttypid, atttypmod, 0::oid FROM col
    UNION ALL
    SELECT r.attnum,
           CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.typelem END,
           CASE WHEN t.typtype = 'd' AND r.typmod = -1 THEN t.typtypmod ELSE r.typmod END,
           CASE WHEN t.typtype = 'd' THEN r.element ELSE t.typelem END
    FROM resolved r JOIN pg_type t ON t.oid = r.typid
    WHERE t.typtype = 'd' OR (t.typcategory = 'A' AND t.typelem <> 0 AND t.typlen = -1 AND r.element = 0)
  )
  SELECT c.attrelid::text AS table_oid, c.attname AS name,
         (SELECT relnatts::int FROM pg_class WHERE oid = c.attrelid) AS slots,
         format_type(c.atttypid, c.atttypmod) AS type_text,
         c.attnotnull AS not_null, c.attgenerated <> '' AS generated,
         c.attidentity = 'a' AS identity_always,
         c.atthasdef OR c.attidentity <> ''
           OR (SELECT typdefault IS NOT NULL FROM pg_type WHERE oid = c.atttypid) AS has_default,
         r.typmod, t.typtype AS type_kind, r.element <> 0 AS is_array,
         CASE WHEN r.element = 0 THEN t.oid ELSE r.element END::text AS type_oid,
         CASE WHEN t.oid = 'money'::regtype AND 1234.56::numeric::money::text !~ '1,?234[.]56'
              THEN 'money of another lc_monetary'
              WHEN t.typname IN (${VECTOR_TYPES.map(quoteLiteral).join(', ')}) AND NOT EXISTS (
                SELECT FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
                WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e'
                  AND d.refclassid = 'pg_extension'::regclass AND e.extname = 'vector')
              THEN t.typname || ' of another make' ELSE t.typname END AS type_name,
         array_position(k.conkey, c.attnum) AS key_position,
         coalesce(k.condeferrable, false) AS deferrable_key,
         row_security_active(c.attrelid) AS row_security,
         (SELECT relpersistence FROM pg_class WHERE oid = c.attrelid) AS persistence,
         (SELECT relispartition OR relkind = 'p' FROM pg_class WHERE oid = c.attrelid) AS in_tree
  FROM col c
  JOIN resolved r ON r.attnum = c.attnum
  JOIN pg_type t ON t.oid = r.typid
   AND NOT (t.typtype = 'd' OR (t.typcategory = 'A' AND t.typelem <> 0 AND t.typlen = -1 AND r.element = 0))
  LEFT JOIN pg_constraint k ON k.conrelid = c.attrelid AND k.contype = 'p'
  ORDER BY c.attnum`;

/** Reads the columns, the primary key and the partitions of `table`; undefined: there is no such table. */
export async function readTargetTable(
  sql: postgres.Sql | postgres.ReservedSql,
  table: TableName,
): Promise<TargetTable | undefined> {
  const place = `to_regclass(${quoteLiteral(quoteTable(table))})`;
  const rows = await sql.unsafe<ColumnRow[]>(COLUMNS.replace('$TABLE', () => place));
  const [first] = rows;
  if (first === undefined) return undefined;
  const partitioning = first.in_tree ? await readPartitioning(sql, place) : undefined;
  return {
    oid: Number(first.table_oid),
    name: table,
    columns: rows.map(targetColumn),
    slots: first.slots,
    primaryKey: rows
      .filter((row) => row.key_position !== null)
      .sort((a, b) => Number(a.key_position) - Number(b.key_position))
      .map((row) => row.name),
    deferrableKey: first.deferrable_key,
    rowSecurity: first.row_security,
    persistence: partitioning?.unlogged ? 'u' : first.persistence,
    partitioning,
  };
}

function targetColumn(row: ColumnRow): CatalogColumn {
  return {
    name: row.name,
    notNull: row.not_null,
    hasDefault: row.has_default,
    identityAlways: row.identity_always,
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

/** pg_attribute.atttypmod counts a header of four bytes for character types, and none for others. */
function declaredLength(type: string, typmod: number): number | undefined {
  if (typmod < 0) return undefined;
  if (type === 'varchar' || type === 'bpchar') return typmod - 4;
  if (isVectorType(type)) return typmod;
  if (['timestamp', 'timestamptz', 'time', 'timetz', 'interval'].includes(type)) return typmod;
  return undefined;
}
