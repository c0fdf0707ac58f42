import { quoteIdentifier } from '../../postgres/quoting.ts';
import { arrayText, type Catalog, readRows } from '../catalog.ts';
import type { CatalogObject } from './drop-set.ts';

interface DependentOwner {
  /** In the server's words: `view public.v`, `function f(integer)`. */
  readonly description: string;
  readonly owner: string;
  readonly owned: boolean;
  readonly schema: string;
  readonly replaced: boolean;
  readonly mayCreate: boolean;
  readonly extension: string | null;
  readonly leakproof: boolean;
}

/**
 * Refuses dependents that cannot be changed: what belongs to another role or to an extension, and
 * what CREATE OR REPLACE would have to write into a schema where the user may not create.
 * `relations` are materialized views, which are rebuilt or refreshed.
 */
export async function requireOwnership(
  catalog: Catalog,
  dependents: readonly CatalogObject[],
  relations: readonly number[],
): Promise<void> {
  const owners = await readRows<DependentOwner>(
    catalog,
    catalog.sql`
    WITH dependent(catalog, oid) AS (
      SELECT * FROM unnest(${arrayText(dependents.map((object) => object.catalog))}::text[],
        ${arrayText(dependents.map(({ oid }) => oid))}::oid[])
    ), owning(classid, oid) AS (
      SELECT 'pg_class'::regclass, ev_class FROM pg_rewrite
        WHERE oid IN (SELECT oid FROM dependent WHERE catalog = 'pg_rewrite')
      UNION SELECT 'pg_class'::regclass, polrelid FROM pg_policy
        WHERE oid IN (SELECT oid FROM dependent WHERE catalog = 'pg_policy')
      UNION SELECT 'pg_class'::regclass, adrelid FROM pg_attrdef
        WHERE oid IN (SELECT oid FROM dependent WHERE catalog = 'pg_attrdef')
      UNION SELECT 'pg_class'::regclass, conrelid FROM pg_constraint
        WHERE oid IN (SELECT oid FROM dependent WHERE catalog = 'pg_constraint') AND conrelid <> 0
      UNION SELECT 'pg_class'::regclass, unnest(${arrayText(relations)}::oid[])
      UNION SELECT 'pg_proc'::regclass, oid FROM dependent WHERE catalog = 'pg_proc'
    )
    SELECT pg_describe_object(owning.classid, owning.oid, 0) AS description,
      pg_get_userbyid(place.owner) AS owner, pg_has_role(place.owner, 'USAGE') AS owned,
      n.nspname AS schema, place.replaced, has_schema_privilege(n.oid, 'CREATE') AS "mayCreate",
      e.extname AS extension, coalesce(place.leakproof, false) AS leakproof
    FROM owning
    CROSS JOIN LATERAL (
      SELECT relowner AS owner, relnamespace AS namespace, relkind IN ('v', 'm') AS replaced,
        false AS leakproof
      FROM pg_class WHERE oid = owning.oid AND owning.classid = 'pg_class'::regclass
      UNION ALL
      SELECT proowner, pronamespace, true, proleakproof
      FROM pg_proc WHERE oid = owning.oid AND owning.classid = 'pg_proc'::regclass) AS place
    JOIN pg_namespace n ON n.oid = place.namespace
    LEFT JOIN pg_depend d ON d.classid = owning.classid AND d.objid = owning.oid
      AND d.objsubid = 0 AND d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
    LEFT JOIN pg_extension e ON e.oid = d.refobjid
    ORDER BY 1`,
  );
  for (const owner of owners) refuseOwner(catalog, owner);
}

function refuseOwner(catalog: Catalog, dependent: DependentOwner): void {
  const user = quoteIdentifier(catalog.currentUser);
  const { description, extension } = dependent;
  const schema = quoteIdentifier(dependent.schema);
  if (extension !== null) {
    catalog.refuse({
      code: 'UNSUPPORTED_DEPENDENT',
      message: `${description} uses it and is a member of the extension ${extension}`,
      hint: `Make the extension's object independent of the table, or load into another table.`,
    });
  }
  if (!dependent.owned) {
    catalog.refuse({
      code: 'INSUFFICIENT_PRIVILEGE',
      message: `${description} depends on it and belongs to ${quoteIdentifier(dependent.owner)}, of which ${user} is not a member`,
      hint: `GRANT ${quoteIdentifier(dependent.owner)} TO ${user};`,
    });
  }
  if (dependent.replaced && !dependent.mayCreate) {
    catalog.refuse({
      code: 'INSUFFICIENT_PRIVILEGE',
      message: `${description} has to be replaced in schema ${schema}, where ${user} may not create`,
      hint: `GRANT CREATE ON SCHEMA ${schema} TO ${user};`,
    });
  }
  if (dependent.leakproof && !catalog.superuser) {
    catalog.refuse({
      code: 'INSUFFICIENT_PRIVILEGE',
      message: `${description} is LEAKPROOF, which only a superuser can declare`,
      hint: `Have a superuser run ALTER FUNCTION ... NOT LEAKPROOF on it.`,
    });
  }
}
