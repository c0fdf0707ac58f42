import type postgres from 'postgres';
import { quoteIdentifier, quoteTable, type TableName } from '../../postgres/quoting.ts';
import { arrayText } from '../catalog.ts';
import type { Reader } from '../dependencies/drop-set.ts';
import type { Refusals } from '../refusals.ts';

/** A foreign key from, to, or within the tables and their partition tree. */
export interface ForeignKey {
  readonly name: string;
  /** The referencing table. */
  readonly table: TableName;
  /** The referenced table. */
  readonly references: TableName;
  /** Whether staging gets it; the swap drops all others first, and creates them again last. */
  readonly onStaging: boolean;
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

/**
 * The foreign keys of the tables, and those to them or to a partitioned table above them. A key of or
 * to a partitioned table has a row for each partition too. Those of the referencing side are keys of
 * partitions, that ATTACH PARTITION merges with their parent's; those of the referenced side and
 * those that refer into the tree follow the key that was declared.
 */
export const readForeignKeys: Reader<ForeignKey> = (catalog, { tables, above, partitioned }) => {
  const { sql } = catalog;
  const isTable = (oid: postgres.Fragment) => sql`${oid} = ANY (${arrayText(tables)}::oid[])`;
  const stays = sql`con.confrelid = ANY (${arrayText([...above, ...partitioned])}::oid[])`;
  const declared = sql`con.conparentid = 0`;
  // DETACH PARTITION tears a key to a partitioned table apart; ATTACH PARTITION then creates it.
  const isTorn =
    catalog.majorVersion < 15 && partitioned.length > 0 ? sql`r.relkind = 'p'` : sql`false`;
  const onStaging = sql`(${isTable(sql`con.conrelid`)} AND NOT ${stays} AND NOT ${isTorn} AND (${declared}
    OR parent.conrelid <> con.conrelid AND parent.confrelid = con.confrelid))`;
  const isDropped = sql`(${declared} AND (${stays}
    OR ${isTable(sql`con.confrelid`)} AND NOT ${isTable(sql`con.conrelid`)}
    OR ${isTable(sql`con.conrelid`)} AND ${isTorn}))`;
  return catalog.objects(refuseForeignKey)`
    SELECT con.conname AS name, ${onStaging} AS "onStaging",
      json_build_object('schema', tn.nspname, 'name', t.relname) AS table,
      json_build_object('schema', rn.nspname, 'name', r.relname) AS references,
      left(def.text, strpos(def.text, def.clause) - 1) AS before,
      substr(def.text, strpos(def.text, def.clause) + length(def.clause) - 1) AS after,
      con.convalidated AS validated,
      -- conenforced is of PostgreSQL 18 and later
      coalesce((to_jsonb(con) ->> 'conenforced')::boolean, true) AS enforced,
      r.relkind = 'p' AS "toPartitioned",
      json_build_object('split', strpos(def.text, def.clause) > 0, 'mayReference',
        ${stays} OR ${isTable(sql`con.confrelid`)} OR NOT EXISTS (
          SELECT FROM unnest(con.confkey) AS key(attnum)
          WHERE NOT has_column_privilege(r.oid, key.attnum, 'REFERENCES'))) AS facts
    FROM pg_constraint con
    LEFT JOIN pg_constraint parent ON parent.oid = con.conparentid
    JOIN pg_class t ON t.oid = con.conrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace
    JOIN pg_class r ON r.oid = con.confrelid JOIN pg_namespace rn ON rn.oid = r.relnamespace
    CROSS JOIN LATERAL (SELECT pg_get_constraintdef(con.oid) AS text,
      ' REFERENCES ' || r.oid::regclass::text || '(' AS clause) AS def
    WHERE con.contype = 'f' AND (${onStaging} OR ${isDropped})
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
