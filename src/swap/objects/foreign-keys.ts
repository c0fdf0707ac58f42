import { quoteIdentifier, quoteTable, type TableName } from '../../postgres/quoting.ts';
import { type Catalog, readRows } from '../catalog.ts';

/** A foreign key from, to, or within the target. */
export interface ForeignKey {
  readonly name: string;
  /** The referencing table. */
  readonly table: TableName;
  /** The referenced table. */
  readonly references: TableName;
  /** What stands before `REFERENCES table` and after it, as pg_get_constraintdef has it. */
  readonly before: string;
  readonly after: string;
  /** false: declared NOT VALID, so that only new rows are held to it. */
  readonly validated: boolean;
  readonly enforced: boolean;
  /** Whether the referenced table is partitioned: then NOT VALID is not possible on the way. */
  readonly toPartitioned: boolean;
}

interface ForeignKeyRow extends ForeignKey {
  readonly found: boolean;
  readonly mayReference: boolean;
}

/** The foreign keys from the target (to itself too) and, apart, those of other tables to it. */
export async function readForeignKeys(
  catalog: Catalog,
  target: number,
): Promise<{ readonly from: readonly ForeignKey[]; readonly to: readonly ForeignKey[] }> {
  // A key of or to a partitioned table has one row a partition more; those follow their parent.
  const rows = await readRows<ForeignKeyRow & { readonly isFrom: boolean }>(
    catalog,
    catalog.sql`
    SELECT con.conname AS name, con.conrelid = ${target} AS "isFrom",
      json_build_object('schema', tn.nspname, 'name', t.relname) AS table,
      json_build_object('schema', rn.nspname, 'name', r.relname) AS references,
      left(def.text, strpos(def.text, def.clause) - 1) AS before,
      substr(def.text, strpos(def.text, def.clause) + length(def.clause) - 1) AS after,
      strpos(def.text, def.clause) > 0 AS found,
      con.convalidated AS validated,
      -- conenforced is of PostgreSQL 18 and later
      coalesce((to_jsonb(con) ->> 'conenforced')::boolean, true) AS enforced,
      r.relkind = 'p' AS "toPartitioned",
      con.confrelid = ${target} OR NOT EXISTS (SELECT FROM unnest(con.confkey) AS key(attnum)
        WHERE NOT has_column_privilege(r.oid, key.attnum, 'REFERENCES')) AS "mayReference"
    FROM pg_constraint con
    JOIN pg_class t ON t.oid = con.conrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace
    JOIN pg_class r ON r.oid = con.confrelid JOIN pg_namespace rn ON rn.oid = r.relnamespace
    CROSS JOIN LATERAL (SELECT pg_get_constraintdef(con.oid) AS text,
      ' REFERENCES ' || r.oid::regclass::text || '(' AS clause) AS def
    WHERE con.contype = 'f' AND ${target} IN (con.conrelid, con.confrelid) AND con.conparentid = 0
    ORDER BY tn.nspname, t.relname, con.conname`,
  );
  for (const row of rows) refuseForeignKey(catalog, row);
  return {
    from: rows.filter((row) => row.isFrom).map(foreignKeyOf),
    to: rows.filter((row) => !row.isFrom).map(foreignKeyOf),
  };
}

/** ALTER TABLE ... ADD of `key` on `table`; a reference to `from` becomes one to `to`. */
export function addForeignKey(key: ForeignKey, table: TableName, references: TableName): string {
  const add = `ALTER TABLE ${quoteTable(table)} ADD CONSTRAINT ${quoteIdentifier(key.name)}`;
  return `${add} ${key.before} REFERENCES ${quoteTable(references)}${key.after}`;
}

/** ALTER TABLE ... DROP of a key that another table has to the target. */
export function dropForeignKey(key: ForeignKey): string {
  return `ALTER TABLE ${quoteTable(key.table)} DROP CONSTRAINT ${quoteIdentifier(key.name)}`;
}

function foreignKeyOf(row: ForeignKeyRow): ForeignKey {
  const { name, table, references, before, after, validated, enforced, toPartitioned } = row;
  return { name, table, references, before, after, validated, enforced, toPartitioned };
}

function refuseForeignKey(catalog: Catalog, row: ForeignKeyRow): void {
  const user = quoteIdentifier(catalog.currentUser);
  const key = `foreign key ${quoteIdentifier(row.name)} of ${quoteTable(row.table)}`;
  if (!row.found) {
    catalog.refuse({
      code: 'UNSUPPORTED_DEPENDENT',
      message: `${key} has a definition that cannot be rewritten`,
      hint: `Drop it, or report its definition.`,
    });
  }
  if (!row.mayReference) {
    catalog.refuse({
      code: 'INSUFFICIENT_PRIVILEGE',
      message: `${key} needs the right to reference ${quoteTable(row.references)}`,
      hint: `GRANT REFERENCES ON ${quoteTable(row.references)} TO ${user};`,
    });
  }
}
