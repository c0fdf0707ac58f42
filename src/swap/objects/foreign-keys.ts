import { quoteIdentifier, quoteTable, type TableName } from '../../postgres/quoting.ts';
import { arrayText } from '../catalog.ts';
import type { Reader } from '../dependencies/drop-set.ts';
import type { Refusals } from '../refusals.ts';

/** A foreign key from, to, or within the tables. */
export interface ForeignKey {
  readonly name: string;
  /** The referencing table. */
  readonly table: TableName;
  /** The referenced table. */
  readonly references: TableName;
  /** Whether the referencing table is one of those that are replaced. */
  readonly own: boolean;
  /** What stands before `REFERENCES table` and after it, as pg_get_constraintdef has it. */
  readonly before: string;
  readonly after: string;
  /** false: declared NOT VALID, so that only new rows are held to it. */
  readonly validated: boolean;
  readonly enforced: boolean;
  /** Whether the referenced table is partitioned: then NOT VALID is not possible on the way. */
  readonly toPartitioned: boolean;
}

interface ForeignKeyFacts {
  /** Whether the definition could be split at the referenced table. */
  readonly split: boolean;
  readonly mayReference: boolean;
}

/** The foreign keys of the tables (to themselves too), and those of other tables to them. */
export const readForeignKeys: Reader<ForeignKey> = (catalog, { tables }) => {
  const oids = arrayText(tables);
  // A key of or to a partitioned table has one row a partition more; those follow their parent.
  return catalog.objects(refuseForeignKey)`
    SELECT con.conname AS name, con.conrelid = ANY (${oids}::oid[]) AS own,
      json_build_object('schema', tn.nspname, 'name', t.relname) AS table,
      json_build_object('schema', rn.nspname, 'name', r.relname) AS references,
      left(def.text, strpos(def.text, def.clause) - 1) AS before,
      substr(def.text, strpos(def.text, def.clause) + length(def.clause) - 1) AS after,
      con.convalidated AS validated,
      -- conenforced is of PostgreSQL 18 and later
      coalesce((to_jsonb(con) ->> 'conenforced')::boolean, true) AS enforced,
      r.relkind = 'p' AS "toPartitioned",
      json_build_object('split', strpos(def.text, def.clause) > 0, 'mayReference',
        con.confrelid = ANY (${oids}::oid[]) OR NOT EXISTS (
          SELECT FROM unnest(con.confkey) AS key(attnum)
          WHERE NOT has_column_privilege(r.oid, key.attnum, 'REFERENCES'))) AS facts
    FROM pg_constraint con
    JOIN pg_class t ON t.oid = con.conrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace
    JOIN pg_class r ON r.oid = con.confrelid JOIN pg_namespace rn ON rn.oid = r.relnamespace
    CROSS JOIN LATERAL (SELECT pg_get_constraintdef(con.oid) AS text,
      ' REFERENCES ' || r.oid::regclass::text || '(' AS clause) AS def
    WHERE con.contype = 'f' AND con.conparentid = 0
      AND (con.conrelid = ANY (${oids}::oid[]) OR con.confrelid = ANY (${oids}::oid[]))
    ORDER BY tn.nspname, t.relname, con.conname`;
};

/** ALTER TABLE ... ADD of `key` on `table`, with a reference to `references`. */
export function createForeignKey(
  key: ForeignKey,
  table: TableName,
  references: TableName,
): readonly string[] {
  const add = `ALTER TABLE ${quoteTable(table)} ADD CONSTRAINT ${quoteIdentifier(key.name)}`;
  return [`${add} ${key.before} REFERENCES ${quoteTable(references)}${key.after}`];
}

/** ALTER TABLE ... DROP of a key that another table has to the target. */
export function dropForeignKey(key: ForeignKey): readonly string[] {
  return [`ALTER TABLE ${quoteTable(key.table)} DROP CONSTRAINT ${quoteIdentifier(key.name)}`];
}

function refuseForeignKey(refuse: Refusals, key: ForeignKey, facts: ForeignKeyFacts): void {
  const object = `foreign key ${quoteIdentifier(key.name)} of ${quoteTable(key.table)}`;
  const other = quoteTable(key.references);
  if (!facts.split) {
    const hint = 'Drop it, or report its definition.';
    refuse.unsupported(object, 'has a definition that cannot be rewritten', hint);
  }
  if (!facts.mayReference) {
    const grant = `GRANT REFERENCES ON ${other} TO ${refuse.user};`;
    refuse.missingRight(`${object} needs the right to reference ${other}`, grant);
  }
}
