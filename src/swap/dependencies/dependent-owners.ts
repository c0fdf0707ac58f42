import { arrayText, type Catalog } from '../catalog.ts';
import type { Refusals } from '../refusals.ts';
import { isFilled } from './dependent-views.ts';
import type { DropSet } from './drop-set.ts';

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
 * what would have to be recreated in a schema where the user may not create. Materialized views
 * count too: those that are recreated, and those that are only refreshed.
 */
export async function requireOwnership(
  catalog: Catalog,
  { tables, relations, dependents, views }: DropSet,
): Promise<void> {
  const materializedViews = [
    ...relations.filter((oid) => !tables.includes(oid)),
    ...views.filter(isFilled).map(({ oid }) => oid),
  ];
  const owners = await catalog.rows<DependentOwner>`
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
      UNION SELECT 'pg_class'::regclass, unnest(${arrayText(materializedViews)}::oid[])
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
    ORDER BY 1`;
  for (const owner of owners) refuseOwner(catalog.refuse, owner);
}

function refuseOwner(refuse: Refusals, dependent: DependentOwner): void {
  const { description, extension, owner, schema } = dependent;
  if (extension !== null) {
    const reason = `uses it and is a member of the extension ${extension}`;
    const hint =
      "Make the extension's object independent of the table, or load into another table.";
    refuse.unsupported(description, reason, hint);
  }
  if (!dependent.owned) refuse.missingMembership(`${description} depends on it and`, owner);
  if (dependent.replaced && !dependent.mayCreate) refuse.missingCreate(description, schema);
  if (dependent.leakproof) {
    const hint = 'Have a superuser run ALTER FUNCTION ... NOT LEAKPROOF on it.';
    refuse.superuserOnly(`${description} is LEAKPROOF, which only a superuser can declare`, hint);
  }
}
