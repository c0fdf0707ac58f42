import { quoteIdentifier, quoteTable, type TableName } from '../../postgres/quoting.ts';
import { arrayText } from '../catalog.ts';
import { isFilled } from '../dependencies/dependent-views.ts';
import type { Reader } from '../dependencies/drop-set.ts';
import type { Refusals } from '../refusals.ts';
import { type Column, columnSettings, optionList } from './columns.ts';
import { revokeDefaults } from './grants.ts';
import { useTablespace } from './table.ts';

/** A materialized view that reads one of the tables by itself, or another such one: recreated. */
export interface MaterializedView extends TableName {
  readonly owner: string;
  readonly accessMethod: string;
  readonly tablespace: string | null;
  readonly options: readonly string[];
  readonly definition: string;
  readonly populated: boolean;
}

interface MaterializedViewFacts {
  readonly canBecomeOwner: boolean;
  readonly ownerMayCreate: boolean;
}

/** The materialized views among the relations, in the order in which they have to be created. */
export const readMaterializedViews: Reader<MaterializedView> = (
  catalog,
  { relations, views },
) => catalog.objects(refuseMaterializedView)`
    SELECT n.nspname AS schema, c.relname AS name, pg_get_userbyid(c.relowner) AS owner,
      am.amname AS "accessMethod", ts.spcname AS tablespace,
      coalesce(c.reloptions, '{}') || ARRAY(SELECT 'toast.' || unnest(toast.reloptions)) AS options,
      regexp_replace(pg_get_viewdef(c.oid), ';\\s*$', '') AS definition,
      c.relispopulated AS populated,
      json_build_object(
        'canBecomeOwner', c.relowner = quote_ident(current_user)::regrole
          OR pg_has_role(c.relowner, ${catalog.setRole}),
        'ownerMayCreate', has_schema_privilege(c.relowner, n.oid, 'CREATE')) AS facts
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_am am ON am.oid = c.relam
    LEFT JOIN pg_tablespace ts ON ts.oid = c.reltablespace
    LEFT JOIN pg_class toast ON toast.oid = c.reltoastrelid
    WHERE c.oid = ANY (${arrayText(relations)}::oid[]) AND c.relkind = 'm'
    ORDER BY array_position(${arrayText(views.map(({ oid }) => oid))}::oid[], c.oid)`;

/** All populated materialized views above the tables, in the order of refreshing. */
export const readRefreshed: Reader<TableName> = async (_catalog, { views }) =>
  views.filter(isFilled).map(({ schema, name }) => ({ schema, name }));

/**
 * CREATE MATERIALIZED VIEW, empty: REFRESH then writes frozen rows, which older snapshots see too,
 * while WITH DATA would show them an empty view. It has no rights but its owner's own default ones:
 * `defaultGrantees` are the roles to which default privileges give more. `columns` are the view's.
 */
export function createMaterializedView(
  view: MaterializedView,
  columns: readonly Column[],
  defaultGrantees: readonly (string | null)[],
): readonly string[] {
  const name = quoteTable(view);
  const options = view.options.length === 0 ? '' : ` WITH (${optionList(view.options)})`;
  const names = columns.map((column) => quoteIdentifier(column.name)).join(', ');
  const method = `USING ${quoteIdentifier(view.accessMethod)}${options}`;
  return [
    useTablespace(view.tablespace),
    `CREATE MATERIALIZED VIEW ${name} (${names}) ${method} AS\n${view.definition}\nWITH NO DATA`,
    ...columns.flatMap((column) => columnSettings(view, column)),
    ...revokeDefaults(view, 'TABLE', defaultGrantees),
    `ALTER MATERIALIZED VIEW ${name} OWNER TO ${quoteIdentifier(view.owner)}`,
  ];
}

function refuseMaterializedView(
  refuse: Refusals,
  view: MaterializedView,
  facts: MaterializedViewFacts,
): void {
  const { schema, owner } = view;
  const object = `materialized view ${quoteTable(view)}`;
  if (!facts.canBecomeOwner) {
    const role = quoteIdentifier(owner);
    const message = `${object} has to be recreated for ${role}, whose role ${refuse.user} cannot take`;
    refuse.missingRight(message, `GRANT ${role} TO ${refuse.user};`);
  }
  if (!facts.ownerMayCreate) refuse.ownerMissingCreate(object, owner, schema);
}
