import { arrayText, type Catalog, readRows } from '../catalog.ts';

/** An object by its place in the catalog. */
export interface CatalogObject {
  /** The catalog's name: `pg_class`, `pg_rewrite`, ... */
  readonly catalog: string;
  readonly oid: number;
  /** pg_describe_object's words, for people. */
  readonly description: string;
}

/** What goes when the old table is dropped, and what would keep it from being dropped. */
export interface DropSet {
  /** The target's oid first, then the materialized views that read it without a view between. */
  readonly relations: readonly number[];
  /** Objects that DROP takes along by itself: to be made again. */
  readonly objects: readonly CatalogObject[];
  /** Objects that are left, and refer to one that goes: to be bound to the new one. */
  readonly dependents: readonly CatalogObject[];
  /** The dependents that use the target's row type, for which there is no way. */
  readonly rowTypeUsers: readonly CatalogObject[];
}

/**
 * Reads pg_depend once, from the target outwards. The rules of DROP are followed: automatic,
 * internal and partition dependencies go along, owned sequences excepted (they are handed over).
 */
export async function readDropSet(catalog: Catalog, target: number): Promise<DropSet> {
  const relations = await readRelations(catalog, target);
  const rows = await readRows<
    CatalogObject & { readonly dropped: boolean; readonly usesRowType: boolean }
  >(
    catalog,
    catalog.sql`
    WITH RECURSIVE drop_set(classid, objid) AS (
      SELECT 'pg_class'::regclass::oid, unnest(${arrayText(relations)}::oid[])
      UNION
      SELECT d.classid, d.objid
      FROM drop_set f JOIN pg_depend d ON d.refclassid = f.classid AND d.refobjid = f.objid
      WHERE d.deptype IN ('a', 'i', 'P', 'S') AND NOT (
        d.deptype = 'a' AND d.classid = 'pg_class'::regclass
        AND EXISTS (SELECT FROM pg_class s WHERE s.oid = d.objid AND s.relkind = 'S'))
    ), referring AS (
      SELECT DISTINCT d.classid, d.objid, f.classid = 'pg_type'::regclass AS uses_row_type
      FROM drop_set f JOIN pg_depend d ON d.refclassid = f.classid AND d.refobjid = f.objid
      WHERE NOT EXISTS (SELECT FROM drop_set g WHERE g.classid = d.classid AND g.objid = d.objid)
        AND NOT (d.deptype = 'a' AND d.classid = 'pg_class'::regclass
          AND EXISTS (SELECT FROM pg_class s WHERE s.oid = d.objid AND s.relkind = 'S'))
    )
    SELECT classid::regclass::text AS catalog, objid::int8 AS oid, dropped, uses_row_type AS "usesRowType",
      pg_describe_object(classid, objid, 0) AS description
    FROM (SELECT classid, objid, true AS dropped, false AS uses_row_type FROM drop_set
      UNION ALL SELECT classid, objid, false, uses_row_type FROM referring) AS found
    ORDER BY 1, 2`,
  );
  return {
    relations,
    objects: rows.filter((row) => row.dropped),
    dependents: rows.filter((row) => !row.dropped && !row.usesRowType),
    rowTypeUsers: rows.filter((row) => row.usesRowType),
  };
}

/** The oids of `found` that are rows of `catalog`. */
export function oidsIn(found: readonly CatalogObject[], catalog: string): number[] {
  return found.filter((object) => object.catalog === catalog).map(({ oid }) => oid);
}

async function readRelations(catalog: Catalog, target: number): Promise<readonly number[]> {
  const rows = await readRows<{ oid: number }>(
    catalog,
    catalog.sql`
    WITH RECURSIVE relation(oid) AS (
      SELECT ${target}::oid
      UNION
      SELECT v.oid
      FROM relation
      JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = relation.oid
        AND d.classid = 'pg_rewrite'::regclass
      JOIN pg_rewrite r ON r.oid = d.objid
      JOIN pg_class v ON v.oid = r.ev_class AND v.relkind = 'm'
    )
    SELECT oid::int8 FROM relation ORDER BY oid`,
  );
  return [target, ...rows.map(({ oid }) => oid).filter((oid) => oid !== target)];
}
