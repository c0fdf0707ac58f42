import {
  isSameTable,
  quoteIdentifier,
  quoteTable,
  type TableName,
} from '../../postgres/quoting.ts';
import { arrayText, type Catalog } from '../catalog.ts';
import { oidsIn, type Reader } from '../dependencies/drop-set.ts';
import type { Refusals } from '../refusals.ts';

/** What one role gave another on a relation or a column. */
export interface Grant {
  readonly object: TableName;
  readonly on: 'TABLE' | 'SEQUENCE';
  readonly owner: string;
  /** null: on the whole relation. */
  readonly column: string | null;
  readonly grantor: string;
  /** null: PUBLIC. */
  readonly grantee: string | null;
  readonly plain: readonly string[];
  readonly withGrantOption: readonly string[];
}

interface GrantFacts {
  readonly canBecomeGrantor: boolean;
}

/** All grants on what has to be recreated and on its columns, in the order in which they were given. */
export const readGrants: Reader<Grant> = (catalog, { objects }) => catalog.objects(refuseGrant)`
  SELECT json_build_object('schema', n.nspname, 'name', c.relname) AS object,
    CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS on,
    pg_get_userbyid(c.relowner) AS owner, held.column,
    pg_get_userbyid(acl.grantor) AS grantor,
    CASE WHEN acl.grantee <> 0 THEN pg_get_userbyid(acl.grantee) END AS grantee,
    coalesce(array_agg(acl.privilege_type ORDER BY acl.privilege_type)
      FILTER (WHERE NOT acl.is_grantable), '{}') AS plain,
    coalesce(array_agg(acl.privilege_type ORDER BY acl.privilege_type)
      FILTER (WHERE acl.is_grantable), '{}') AS "withGrantOption",
    json_build_object('canBecomeGrantor',
      acl.grantor = quote_ident(current_user)::regrole OR acl.grantor = c.relowner
        OR pg_has_role(acl.grantor, ${catalog.setRole})) AS facts
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  CROSS JOIN LATERAL (
    SELECT NULL::name AS column, 0 AS attnum,
      coalesce(c.relacl, acldefault(
        CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner)) AS acl
    UNION ALL
    SELECT a.attname, a.attnum, a.attacl FROM pg_attribute a
    WHERE a.attrelid = c.oid AND NOT a.attisdropped AND a.attacl IS NOT NULL) AS held
  CROSS JOIN LATERAL aclexplode(held.acl) WITH ORDINALITY
    AS acl(grantor, grantee, privilege_type, is_grantable, place)
  WHERE c.oid = ANY (${arrayText(oidsIn(objects, 'pg_class'))}::oid[]) AND c.relkind IN ('r', 'm', 'S')
  GROUP BY n.nspname, c.relname, c.relkind, c.relowner, held.column, held.attnum, acl.grantor,
    acl.grantee
  ORDER BY n.nspname, c.relname, held.attnum, min(acl.place)`;

/** The roles to which default privileges of the current user give rights on what it creates. */
export async function readDefaultGrantees(catalog: Catalog): Promise<readonly (string | null)[]> {
  const rows = await catalog.rows<{ grantee: string | null }>`
    SELECT DISTINCT CASE WHEN acl.grantee <> 0 THEN pg_get_userbyid(acl.grantee) END AS grantee
    FROM pg_default_acl d CROSS JOIN LATERAL aclexplode(d.defaclacl) AS acl
    WHERE d.defaclrole = quote_ident(current_user)::regrole AND d.defaclobjtype IN ('r', 'S')
      AND acl.grantee <> d.defaclrole
    ORDER BY 1`;
  return rows.map(({ grantee }) => grantee);
}

/** Takes away what default privileges gave others on something just created, before its commit. */
export function revokeDefaults(
  object: TableName,
  on: Grant['on'],
  grantees: readonly (string | null)[],
): readonly string[] {
  return grantees.map((role) => `REVOKE ALL ON ${on} ${quoteTable(object)} FROM ${roleName(role)}`);
}

/**
 * Gives `grants` on an object that has no rights but its owner's, in order. A grant in another's
 * name takes SET ROLE to the grantor; `ownRole` is what to go back to, as SET ROLE writes it.
 */
export function grantStatements(
  object: TableName,
  on: Grant['on'],
  owner: string,
  grants: readonly Grant[],
  ownRole: string,
): readonly string[] {
  const own = grants.filter((grant) => grant.on === on && isSameTable(grant.object, object));
  return [
    `REVOKE ALL ON ${on} ${quoteTable(object)} FROM ${quoteIdentifier(owner)}`,
    ...grantorsFirst(own).flatMap((grant) => grantStatement(grant, ownRole)),
  ];
}

/** A grantor that is not the owner needs its own right first. */
function grantorsFirst(grants: readonly Grant[]): readonly Grant[] {
  const waiting = [...grants];
  const ordered: Grant[] = [];
  const able = new Set<string>(grants.map(({ owner }) => owner));
  while (waiting.length > 0) {
    const at = waiting.findIndex((grant) => able.has(grant.grantor));
    // Rights that come from nowhere (a circle) keep their order: the server then says what is wrong.
    const [grant] = waiting.splice(Math.max(at, 0), 1);
    if (grant === undefined) break;
    ordered.push(grant);
    if (grant.withGrantOption.length > 0 && grant.grantee !== null) able.add(grant.grantee);
  }
  return ordered;
}

function grantStatement(grant: Grant, ownRole: string): readonly string[] {
  const columns = grant.column === null ? '' : ` (${quoteIdentifier(grant.column)})`;
  const give = (privileges: readonly string[], option: string) =>
    privileges.length === 0
      ? []
      : [
          `GRANT ${privileges.map((privilege) => privilege + columns).join(', ')} ON ${grant.on} ` +
            `${quoteTable(grant.object)} TO ${roleName(grant.grantee)}${option}`,
        ];
  const statements = [
    ...give(grant.plain, ''),
    ...give(grant.withGrantOption, ' WITH GRANT OPTION'),
  ];
  if (grant.grantor === grant.owner) return statements;
  return [`SET LOCAL ROLE ${quoteIdentifier(grant.grantor)}`, ...statements, ownRole];
}

function roleName(role: string | null): string {
  return role === null ? 'PUBLIC' : quoteIdentifier(role);
}

function refuseGrant(refuse: Refusals, grant: Grant, { canBecomeGrantor }: GrantFacts): void {
  if (canBecomeGrantor) return;
  const grantor = quoteIdentifier(grant.grantor);
  const what = `rights on ${quoteTable(grant.object)} were given to ${roleName(grant.grantee)}`;
  const message = `${what} by ${grantor}, in whose name ${refuse.user} cannot give them again`;
  refuse.missingRight(message, `GRANT ${grantor} TO ${refuse.user};`);
}
