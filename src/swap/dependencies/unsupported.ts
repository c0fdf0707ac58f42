import { quoteTable, type TableName } from '../../postgres/quoting.ts';
import { arrayText, type Catalog } from '../catalog.ts';
import { type CatalogObject, type DropSet, oidsIn } from './drop-set.ts';

/**
 * The catalogs whose rows DROP takes along with a table or a materialized view, and that a module
 * of `objects` recreates: pg_class (TOAST, indexes, identity sequences), pg_type (the row
 * type), pg_rewrite (rules), and so on.
 */
const RECREATED = new Set([
  'pg_class',
  'pg_type',
  'pg_attrdef',
  'pg_constraint',
  'pg_trigger',
  'pg_rewrite',
  'pg_policy',
  'pg_publication_rel',
  'pg_statistic_ext',
]);

/** The catalogs whose rows can refer to what goes, and that a module of `objects` rebinds. */
const REBOUND = new Set(['pg_rewrite', 'pg_proc', 'pg_policy', 'pg_constraint', 'pg_attrdef']);

/** Refuses every dependency that no module of `objects` handles, and users of a row type that goes. */
export async function refuseUnsupported(
  catalog: Catalog,
  target: TableName,
  dropSet: DropSet,
): Promise<void> {
  const { refuse } = catalog;
  const ownType = `Let it name the columns it needs, or a type of its own, instead of ${quoteTable(target)}.`;
  for (const { description } of dropSet.rowTypeUsers) {
    refuse.unsupported(description, 'uses a row type that goes with the old table', ownType);
  }
  const unknown = [
    ...dropSet.objects.filter((object) => !RECREATED.has(object.catalog)),
    ...dropSet.dependents.filter((object) => !REBOUND.has(object.catalog)),
    ...(await readUnsupportedKinds(catalog, dropSet)),
  ];
  const hint = `Drop it before the full load and create it again after, or load into another table than ${quoteTable(target)}.`;
  for (const { description } of unknown) {
    refuse.unsupported(description, 'depends on it in a way that is not known here', hint);
  }
}

/**
 * Objects of known catalogs but of kinds that no module handles: relations other than indexes,
 * TOAST tables and sequences; functions that are aggregates; constraints of domains; rights of a
 * kind that a later server may add.
 */
async function readUnsupportedKinds(
  catalog: Catalog,
  dropSet: DropSet,
): Promise<readonly CatalogObject[]> {
  const relations = oidsIn(dropSet.objects, 'pg_class').filter(
    (oid) => !dropSet.relations.includes(oid),
  );
  const all = oidsIn(dropSet.objects, 'pg_class');
  return await catalog.rows<CatalogObject>`
    SELECT 'pg_class' AS catalog, oid::int8, pg_describe_object('pg_class'::regclass, oid, 0) AS description
    FROM pg_class WHERE oid = ANY (${arrayText(relations)}::oid[]) AND relkind NOT IN ('i', 't', 'S')
    UNION ALL
    SELECT 'pg_proc', oid::int8, pg_describe_object('pg_proc'::regclass, oid, 0)
    FROM pg_proc WHERE oid = ANY (${arrayText(oidsIn(dropSet.dependents, 'pg_proc'))}::oid[])
      AND prokind NOT IN ('f', 'p')
    UNION ALL
    SELECT 'pg_constraint', oid::int8, pg_describe_object('pg_constraint'::regclass, oid, 0)
    FROM pg_constraint WHERE oid = ANY (${arrayText(oidsIn(dropSet.dependents, 'pg_constraint'))}::oid[])
      AND contype <> 'f'
    UNION ALL
    SELECT 'pg_shdepend', objid::int8, 'a role''s claim of type ' || deptype::text || ' on '
      || pg_describe_object(classid, objid, objsubid)
    FROM pg_shdepend
    WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND classid = 'pg_class'::regclass AND objid = ANY (${arrayText(all)}::oid[])
      AND deptype NOT IN ('o', 'a', 'r', 't')
    ORDER BY 1, 3`;
}
