import { arrayText, type Catalog } from '../catalog.ts';
import { type DependentView, readDependentViews } from './dependent-views.ts';
import type { PartitionTree } from './partition-tree.ts';

/** An object by its place in the catalog. */
export interface CatalogObject {
  /** The catalog's name: `pg_class`, `pg_rewrite`, ... */
  readonly catalog: string;
  readonly oid: number;
  /** pg_describe_object's words, for people. */
  readonly description: string;
}

/** What goes when the old tables are dropped, and what would keep them from being dropped. */
export interface DropSet extends PartitionTree {
  /** The tables, then the materialized views that read them without a view between. */
  readonly relations: readonly number[];
  /** Objects that DROP takes along by itself: to be recreated. */
  readonly objects: readonly CatalogObject[];
  /** Objects that are left, and refer to one that goes: to be bound to the new one. */
  readonly dependents: readonly CatalogObject[];
  /** The dependents that use the row type of something that goes, for which there is no way. */
  readonly rowTypeUsers: readonly CatalogObject[];
  /** All views above the tables and their partition tree, recreated or not. */
  readonly views: readonly DependentView[];
}

/** Reads one kind of what the drop set holds; every module of `objects` has one. */
export type Reader<T> = (catalog: Catalog, dropSet: DropSet) => Promise<readonly T[]>;

/**
 * Reads pg_depend, from the tables outwards. The rules of DROP are followed: automatic, internal
 * and partition dependencies go along, owned sequences excepted (they are handed over).
 */
export async function readDropSet(catalog: Catalog, tree: PartitionTree): Promise<DropSet> {
  const { tables, above, partitioned } = tree;
  const relations = await readRelations(catalog, tables);
  const views = await readDependentViews(catalog, [...above, ...partitioned, ...tables]);
  const rows = await catalog.rows<
    CatalogObject & { readonly dropped: boolean; readonly usesRowType: boolean }
  >`
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
    ORDER BY 1, 2`;
  return {
    ...tree,
    relations,
    objects: rows.filter((row) => row.dropped),
    dependents: rows.filter((row) => !row.dropped && !row.usesRowType),
    rowTypeUsers: rows.filter((row) => row.usesRowType),
    views,
  };
}

/** The oids of `found` that are rows of `catalog`. */
export function oidsIn(found: readonly CatalogObject[], catalog: string): number[] {
  return found.filter((object) => object.catalog === catalog).map(({ oid }) => oid);
}

async function readRelations(
  catalog: Catalog,
  tables: readonly number[],
): Promise<readonly number[]> {
  const rows = await catalog.rows<{ oid: number }>`
    WITH RECURSIVE relation(oid) AS (
      SELECT unnest(${arrayText(tables)}::oid[])
      UNION
      SELECT v.oid
      FROM relation
      JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = relation.oid
        AND d.classid = 'pg_rewrite'::regclass
      JOIN pg_rewrite r ON r.oid = d.objid
      JOIN pg_class v ON v.oid = r.ev_class AND v.relkind = 'm'
    )
    SELECT oid::int8 FROM relation ORDER BY oid`;
  return [...new Set([...tables, ...rows.map(({ oid }) => oid)])];
}
