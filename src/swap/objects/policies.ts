import { quoteIdentifier, quoteTable, type TableName } from '../../postgres/quoting.ts';
import { arrayText } from '../catalog.ts';
import { oidsIn, type Reader } from '../dependencies/drop-set.ts';

/** A row-level security policy. The expressions are as pg_get_expr writes them. */
export interface Policy {
  readonly name: string;
  readonly table: TableName;
  /** Whether it is a policy of one of the tables that are replaced, or another's that reads one. */
  readonly own: boolean;
  readonly permissive: boolean;
  readonly command: string;
  /** null stands for PUBLIC. */
  readonly roles: readonly (string | null)[];
  readonly using: string | null;
  readonly check: string | null;
}

/** The policies of the tables, and those of other tables that read them. */
export const readPolicies: Reader<Policy> = (catalog, { tables, dependents }) => catalog.rows`
  SELECT p.polname AS name, json_build_object('schema', n.nspname, 'name', c.relname) AS table,
    p.polrelid = ANY (${arrayText(tables)}::oid[]) AS own, p.polpermissive AS permissive,
    CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
      WHEN 'd' THEN 'DELETE' ELSE 'ALL' END AS command,
    ARRAY(SELECT CASE WHEN role <> 0 THEN pg_get_userbyid(role) END
      FROM unnest(p.polroles) AS role ORDER BY 1) AS roles,
    pg_get_expr(p.polqual, p.polrelid) AS using,
    pg_get_expr(p.polwithcheck, p.polrelid) AS check
  FROM pg_policy p
  JOIN pg_class c ON c.oid = p.polrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE p.polrelid = ANY (${arrayText(tables)}::oid[])
    OR p.oid = ANY (${arrayText(oidsIn(dependents, 'pg_policy'))}::oid[])
  ORDER BY n.nspname, c.relname, p.polname`;

/** CREATE POLICY on the new table. */
export function createPolicy(policy: Policy): readonly string[] {
  const roles = policy.roles.map((role) => (role === null ? 'PUBLIC' : quoteIdentifier(role)));
  return [
    `CREATE POLICY ${quoteIdentifier(policy.name)} ON ${quoteTable(policy.table)} ` +
      `AS ${policy.permissive ? 'PERMISSIVE' : 'RESTRICTIVE'} FOR ${policy.command} ` +
      `TO ${roles.join(', ')}${expressions(policy)}`,
  ];
}

/** ALTER POLICY: another table's policy reads the new table from now on. */
export function rebindPolicy(policy: Policy): readonly string[] {
  const name = `${quoteIdentifier(policy.name)} ON ${quoteTable(policy.table)}`;
  return [`ALTER POLICY ${name}${expressions(policy)}`];
}

function expressions({ using, check }: Policy): string {
  return (
    (using === null ? '' : ` USING (${using})`) + (check === null ? '' : ` WITH CHECK (${check})`)
  );
}
