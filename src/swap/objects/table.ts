import { quoteIdentifier, quoteTable, type TableName } from '../../postgres/quoting.ts';
import { arrayText, type Catalog } from '../catalog.ts';
import type { PartitionTree } from '../dependencies/partition-tree.ts';
import type { Refusals } from '../refusals.ts';
import { optionList } from './columns.ts';
import { detachPartition, type Partition, partitionColumn } from './partitions.ts';

/** A table that is replaced: what CREATE TABLE says besides its columns. */
export interface Table extends TableName {
  readonly owner: string;
  readonly accessMethod: string;
  /** null: the database's own. */
  readonly tablespace: string | null;
  /** Storage parameters, `name=value`; those of the TOAST table begin with `toast.`. */
  readonly options: readonly string[];
  readonly rowSecurity: boolean;
  readonly forceRowSecurity: boolean;
  /** pg_class.relreplident: d default, n nothing, f full, i index. */
  readonly replicaIdentity: 'd' | 'n' | 'f' | 'i';
  /** Its place, if it is a partition. */
  readonly partition: Partition | null;
}

interface TableFacts {
  readonly kind: string;
  readonly persistence: string;
  readonly ofType: string | null;
  /** The parents and children in table inheritance. */
  readonly relatives: readonly string[];
  readonly extension: string | null;
  readonly subscription: boolean;
  readonly system: boolean;
  readonly owned: boolean;
  readonly ownerMayCreate: boolean;
  readonly mayCreate: boolean;
}

/** The oid of the relation of that name, of whatever kind; undefined: there is none. */
export async function findRelation(
  catalog: Catalog,
  { schema, name }: TableName,
): Promise<number | undefined> {
  const [row] = await catalog.rows<{ oid: number }>`
    SELECT c.oid::int8 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ${schema} AND c.relname = ${name}`;
  return row?.oid;
}

/** The tables that are replaced; refuses what is no ordinary table. */
export const readTables = (
  catalog: Catalog,
  { tables }: PartitionTree,
): Promise<readonly Table[]> => catalog.objects(refuseTable)`
    SELECT n.nspname AS schema, c.relname AS name, pg_get_userbyid(c.relowner) AS owner,
      coalesce(am.amname, '') AS "accessMethod", ts.spcname AS tablespace,
      coalesce(c.reloptions, '{}') || ARRAY(SELECT 'toast.' || unnest(toast.reloptions)) AS options,
      c.relrowsecurity AS "rowSecurity", c.relforcerowsecurity AS "forceRowSecurity",
      c.relreplident AS "replicaIdentity", ${partitionColumn(catalog.sql)},
      json_build_object(
        'kind', c.relkind, 'persistence', c.relpersistence,
        'ofType', CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END,
        'relatives', ARRAY(
          SELECT CASE WHEN inhrelid = c.oid THEN 'child of ' || inhparent::regclass
            ELSE 'parent of ' || inhrelid::regclass END
          FROM pg_inherits WHERE c.oid IN (inhrelid, inhparent) ORDER BY 1),
        'extension', (SELECT e.extname FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
          WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
            AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'),
        'subscription', EXISTS (SELECT FROM pg_subscription_rel WHERE srrelid = c.oid),
        'system', n.nspname IN ('pg_catalog', 'information_schema', 'pg_toast'),
        'owned', pg_has_role(c.relowner, 'USAGE') AND (c.relowner = quote_ident(current_user)::regrole
          OR pg_has_role(c.relowner, ${catalog.setRole})),
        'ownerMayCreate', has_schema_privilege(c.relowner, n.oid, 'CREATE'),
        'mayCreate', has_schema_privilege(n.oid, 'CREATE')) AS facts
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_am am ON am.oid = c.relam
    LEFT JOIN pg_tablespace ts ON ts.oid = c.reltablespace
    LEFT JOIN pg_class toast ON toast.oid = c.reltoastrelid
    WHERE c.oid = ANY (${arrayText(tables)}::oid[])
    ORDER BY 1, 2`;

/** CREATE TABLE of a table like `table` under the name `staging`, with the columns as given. */
export function createTable(
  table: Table,
  staging: TableName,
  columns: readonly string[],
): readonly string[] {
  const options = table.options.length === 0 ? '' : ` WITH (${optionList(table.options)})`;
  const method = `USING ${quoteIdentifier(table.accessMethod)}`;
  return [
    useTablespace(table.tablespace),
    `CREATE TABLE ${quoteTable(staging)} (\n  ${columns.join(',\n  ')}\n) ${method}${options}`,
  ];
}

/** The tablespace that the next CREATE of the transaction uses; null is the database's own. */
export function useTablespace(tablespace: string | null): string {
  return `SET LOCAL default_tablespace = ${tablespace === null ? "''" : quoteIdentifier(tablespace)}`;
}

/** REPLICA IDENTITY as `table` has it; an index that is one is marked by `indexMarks`. */
export function setReplicaIdentity(table: Table): readonly string[] {
  const identity = { f: 'FULL', n: 'NOTHING', d: undefined, i: undefined }[table.replicaIdentity];
  if (identity === undefined) return [];
  return [`ALTER TABLE ${quoteTable(table)} REPLICA IDENTITY ${identity}`];
}

/** Row security as `table` has it. */
export function secureRows(table: Table): readonly string[] {
  const alter = `ALTER TABLE ${quoteTable(table)}`;
  return [
    ...(table.rowSecurity ? [`${alter} ENABLE ROW LEVEL SECURITY`] : []),
    ...(table.forceRowSecurity ? [`${alter} FORCE ROW LEVEL SECURITY`] : []),
  ];
}

const RELATION_KINDS: Readonly<Record<string, string>> = {
  v: 'a view',
  m: 'a materialized view',
  f: 'a foreign table',
  i: 'an index',
  I: 'an index',
  S: 'a sequence',
  c: 'a composite type',
  t: 'a TOAST table',
};

function refuseTable(refuse: Refusals, table: Table, facts: TableFacts): void {
  const place = quoteTable(table);
  const { partition } = table;
  const other =
    partition === null
      ? 'Name an ordinary table, or one that does not exist yet, with --pg-table.'
      : `Name another table with --pg-table, or: ${detachPartition(table, partition.parent)};`;
  const object = partition === null ? place : `partition ${place}`;
  const unsupported = (reason: string, hint = other) => refuse.unsupported(object, reason, hint);
  const kind = RELATION_KINDS[facts.kind] ?? `a relation of kind ${facts.kind}`;
  if (facts.kind !== 'r') unsupported(`is ${kind}, not a table`);
  if (facts.system) unsupported('is a table of the system catalog');
  if (facts.persistence === 't')
    unsupported('is a temporary table, which other sessions do not see');
  if (facts.persistence === 'u') {
    unsupported('is an unlogged table', `ALTER TABLE ${place} SET LOGGED, then run again.`);
  }
  if (partition === null && facts.relatives.length > 0) {
    const reason = `takes part in table inheritance: it is ${facts.relatives.join(', ')}`;
    unsupported(reason, `${other} (ALTER TABLE ... NO INHERIT ends it.)`);
  }
  if (facts.ofType !== null) {
    unsupported(`is a table OF ${facts.ofType}`, `ALTER TABLE ${place} NOT OF, then run again.`);
  }
  if (facts.extension !== null) unsupported(`is a member of the extension ${facts.extension}`);
  if (facts.subscription) unsupported('is filled by a logical replication subscription');
  if (!facts.owned) refuse.missingMembership(`table ${place}`, table.owner);
  if (!facts.mayCreate) refuse.missingCreate(`table ${place}`, table.schema);
  if (!facts.ownerMayCreate) refuse.ownerMissingCreate(`table ${place}`, table.owner, table.schema);
}
