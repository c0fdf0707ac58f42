import { quoteIdentifier, quoteTable, type TableName } from '../../postgres/quoting.ts';
import { arrayText, type Catalog, readRows } from '../catalog.ts';
import { type Column, columnSettings, optionList, readColumns } from './columns.ts';
import { useTablespace } from './indexes.ts';

/** A materialized view that reads the target by itself, or another such one: built anew. */
export interface MaterializedView extends TableName {
  readonly owner: string;
  readonly accessMethod: string;
  readonly tablespace: string | null;
  readonly options: readonly string[];
  readonly definition: string;
  readonly populated: boolean;
  readonly columns: readonly Column[];
}

interface MaterializedViewRow extends MaterializedView {
  readonly oid: number;
  readonly canBecomeOwner: boolean;
  readonly ownerMayCreate: boolean;
}

/** The materialized views among `relations` (the target's oid is not one of them), sorted by name. */
export async function readMaterializedViews(
  catalog: Catalog,
  relations: readonly number[],
): Promise<ReadonlyMap<number, MaterializedView>> {
  const rows = await readRows<MaterializedViewRow>(
    catalog,
    catalog.sql`
    SELECT c.oid::int8, n.nspname AS schema, c.relname AS name, pg_get_userbyid(c.relowner) AS owner,
      am.amname AS "accessMethod", ts.spcname AS tablespace,
      coalesce(c.reloptions, '{}') || ARRAY(SELECT 'toast.' || unnest(toast.reloptions)) AS options,
      regexp_replace(pg_get_viewdef(c.oid), ';\\s*$', '') AS definition,
      c.relispopulated AS populated,
      c.relowner = quote_ident(current_user)::regrole OR pg_has_role(c.relowner, ${catalog.setRole})
        AS "canBecomeOwner",
      has_schema_privilege(c.relowner, n.oid, 'CREATE') AS "ownerMayCreate"
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_am am ON am.oid = c.relam
    LEFT JOIN pg_tablespace ts ON ts.oid = c.reltablespace
    LEFT JOIN pg_class toast ON toast.oid = c.reltoastrelid
    WHERE c.oid = ANY (${arrayText(relations)}::oid[]) AND c.relkind = 'm'
    ORDER BY 2, 3`,
  );
  const views = new Map<number, MaterializedView>();
  for (const row of rows) {
    refuseOwner(catalog, row);
    const { oid, canBecomeOwner: _can, ownerMayCreate: _may, ...view } = row;
    views.set(oid, { ...view, columns: await readColumns(catalog, oid) });
  }
  return views;
}

/**
 * CREATE MATERIALIZED VIEW, empty: REFRESH then writes frozen rows, which older snapshots see too,
 * while WITH DATA would show them an empty view. `revoke` takes default privileges away.
 */
export function createMaterializedView(view: MaterializedView): readonly string[] {
  const name = quoteTable(view);
  const options = view.options.length === 0 ? '' : ` WITH (${optionList(view.options)})`;
  const columns = view.columns.map((column) => quoteIdentifier(column.name)).join(', ');
  const head = `CREATE MATERIALIZED VIEW ${name} (${columns}) USING ${quoteIdentifier(view.accessMethod)}`;
  return [
    useTablespace(view.tablespace),
    `${head}${options} AS\n${view.definition}\nWITH NO DATA`,
    ...view.columns.flatMap((column) => columnSettings(view, column)),
  ];
}

/** ALTER MATERIALIZED VIEW ... OWNER: after it, only the owner's own default rights are left. */
export function setMaterializedViewOwner(view: MaterializedView): string {
  return `ALTER MATERIALIZED VIEW ${quoteTable(view)} OWNER TO ${quoteIdentifier(view.owner)}`;
}

function refuseOwner(catalog: Catalog, row: MaterializedViewRow): void {
  const user = quoteIdentifier(catalog.currentUser);
  const owner = quoteIdentifier(row.owner);
  const schema = quoteIdentifier(row.schema);
  if (!row.canBecomeOwner) {
    catalog.refuse({
      code: 'INSUFFICIENT_PRIVILEGE',
      message: `materialized view ${quoteTable(row)} has to be made anew for ${owner}, whose role ${user} cannot take`,
      hint: `GRANT ${owner} TO ${user};`,
    });
  }
  if (!row.ownerMayCreate && !catalog.superuser) {
    catalog.refuse({
      code: 'INSUFFICIENT_PRIVILEGE',
      message: `${owner}, owner of materialized view ${quoteTable(row)}, may not create in schema ${schema}`,
      hint: `GRANT CREATE ON SCHEMA ${schema} TO ${owner};`,
    });
  }
}
