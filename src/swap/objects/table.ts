import { quoteIdentifier, quoteTable, type TableName } from '../../postgres/quoting.ts';
import { type Catalog, readRows } from '../catalog.ts';

/** The table itself: what CREATE TABLE says besides its columns. */
export interface Target {
  readonly schema: string;
  readonly name: string;
  readonly owner: string;
  readonly accessMethod: string;
  /** null: the database's own. */
  readonly tablespace: string | null;
  /** Storage parameters, `name=value`; those of the TOAST table begin with `toast.`. */
  readonly options: readonly string[];
  readonly rowSecurity: boolean;
  readonly forceRowSecurity: boolean;
  /** pg_class.relreplident: d default, n nothing, f full, i index. */
  readonly replicaIdentity: string;
}

interface TargetRow extends Target {
  readonly oid: number;
  readonly kind: string;
  readonly persistence: string;
  readonly partition: boolean;
  readonly ofType: string | null;
  readonly inherits: boolean;
  readonly extension: string | null;
  readonly subscription: boolean;
  readonly system: boolean;
  readonly owned: boolean;
  readonly canBecomeOwner: boolean;
  readonly ownerMayCreate: boolean;
  readonly mayCreate: boolean;
}

/** Reads the target, and refuses what is not an ordinary table of its own; undefined: no such table. */
export async function readTarget(
  catalog: Catalog,
  table: TableName,
): Promise<{ readonly oid: number; readonly target: Target } | undefined> {
  const [row] = await readRows<TargetRow>(
    catalog,
    catalog.sql`
    SELECT c.oid::int8, n.nspname AS schema, c.relname AS name, pg_get_userbyid(c.relowner) AS owner,
      coalesce(am.amname, '') AS "accessMethod", ts.spcname AS tablespace,
      coalesce(c.reloptions, '{}') || ARRAY(SELECT 'toast.' || unnest(toast.reloptions)) AS options,
      c.relrowsecurity AS "rowSecurity", c.relforcerowsecurity AS "forceRowSecurity",
      c.relreplident AS "replicaIdentity",
      c.relkind AS kind, c.relpersistence AS persistence, c.relispartition AS partition,
      CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END AS "ofType",
      EXISTS (SELECT FROM pg_inherits WHERE c.oid IN (inhrelid, inhparent)) AS inherits,
      (SELECT e.extname FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
          AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e') AS extension,
      EXISTS (SELECT FROM pg_subscription_rel WHERE srrelid = c.oid) AS subscription,
      n.nspname IN ('pg_catalog', 'information_schema', 'pg_toast') AS system,
      pg_has_role(c.relowner, 'USAGE') AS owned,
      c.relowner = quote_ident(current_user)::regrole OR pg_has_role(c.relowner, ${catalog.setRole})
        AS "canBecomeOwner",
      has_schema_privilege(c.relowner, n.oid, 'CREATE') AS "ownerMayCreate",
      has_schema_privilege(n.oid, 'CREATE') AS "mayCreate"
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_am am ON am.oid = c.relam
    LEFT JOIN pg_tablespace ts ON ts.oid = c.reltablespace
    LEFT JOIN pg_class toast ON toast.oid = c.reltoastrelid
    WHERE n.nspname = ${table.schema} AND c.relname = ${table.name}`,
  );
  if (row === undefined) return undefined;
  refuseTarget(catalog, row);
  refuseRights(catalog, row);
  return { oid: row.oid, target: targetOf(row) };
}

function targetOf(row: TargetRow): Target {
  const { schema, name, owner, accessMethod, tablespace, options } = row;
  const { rowSecurity, forceRowSecurity, replicaIdentity } = row;
  return {
    schema,
    name,
    owner,
    accessMethod,
    tablespace,
    options,
    rowSecurity,
    forceRowSecurity,
    replicaIdentity,
  };
}

const RELATION_KINDS: Readonly<Record<string, string>> = {
  v: 'a view',
  m: 'a materialized view',
  f: 'a foreign table',
  p: 'a partitioned table',
  i: 'an index',
  I: 'an index',
  S: 'a sequence',
  c: 'a composite type',
  t: 'a TOAST table',
};

function refuseTarget(catalog: Catalog, row: TargetRow): void {
  const table = quoteTable(row);
  const other = 'Name an ordinary table, or one that does not exist yet, with --pg-table.';
  const refuse = (what: string, hint: string = other) =>
    catalog.refuse({ code: 'UNSUPPORTED_DEPENDENT', message: `${table} ${what}`, hint });
  const kind = RELATION_KINDS[row.kind];
  if (row.kind !== 'r') refuse(`is ${kind ?? `a relation of kind ${row.kind}`}, not a table`);
  if (row.system) refuse('is a table of the system catalog');
  if (row.persistence === 't') refuse('is a temporary table, which other sessions do not see');
  if (row.persistence === 'u') {
    refuse('is an unlogged table', `ALTER TABLE ${table} SET LOGGED, then run again.`);
  }
  if (row.partition) refuse('is a partition of another table');
  else if (row.inherits)
    refuse('takes part in table inheritance', `${other} (NO INHERIT ends it.)`);
  if (row.ofType !== null) {
    refuse(`is a table OF ${row.ofType}`, `ALTER TABLE ${table} NOT OF, then run again.`);
  }
  if (row.extension !== null) refuse(`is a member of the extension ${row.extension}`);
  if (row.subscription) refuse('is filled by a logical replication subscription');
}

function refuseRights(catalog: Catalog, row: TargetRow): void {
  const user = quoteIdentifier(catalog.currentUser);
  const owner = quoteIdentifier(row.owner);
  const refuse = (message: string, hint: string) =>
    catalog.refuse({ code: 'INSUFFICIENT_PRIVILEGE', message, hint });
  if (!row.owned || !row.canBecomeOwner) {
    refuse(
      `table ${quoteTable(row)} belongs to ${owner}, of which ${user} is not a member`,
      `GRANT ${owner} TO ${user};`,
    );
  }
  const schema = quoteIdentifier(row.schema);
  if (!row.mayCreate) {
    refuse(
      `${user} may not create in schema ${schema}`,
      `GRANT CREATE ON SCHEMA ${schema} TO ${user};`,
    );
  }
  if (!row.ownerMayCreate && !catalog.superuser) {
    refuse(
      `${owner}, owner of ${quoteTable(row)}, may not create in schema ${schema}`,
      `GRANT CREATE ON SCHEMA ${schema} TO ${owner};`,
    );
  }
}
