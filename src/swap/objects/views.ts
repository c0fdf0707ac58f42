import { quoteTable, type TableName } from '../../postgres/quoting.ts';
import { arrayText } from '../catalog.ts';
import { oidsIn, type Reader } from '../dependencies/drop-set.ts';
import { optionList } from './columns.ts';

/** A view that reads one of the tables, or a materialized view that is recreated, by itself. */
export interface View extends TableName {
  readonly definition: string;
  /** security_barrier, security_invoker, check_option: `name=value`. */
  readonly options: readonly string[];
}

/** The views that read something that goes. */
export const readViews: Reader<View> = (catalog, { dependents }) => catalog.rows`
  SELECT n.nspname AS schema, c.relname AS name,
    regexp_replace(pg_get_viewdef(c.oid), ';\\s*$', '') AS definition,
    coalesce(c.reloptions, '{}') AS options
  FROM pg_rewrite r
  JOIN pg_class c ON c.oid = r.ev_class AND c.relkind = 'v'
  JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE r.oid = ANY (${arrayText(oidsIn(dependents, 'pg_rewrite'))}::oid[]) AND r.ev_type = '1'
  ORDER BY 1, 2`;

/** CREATE OR REPLACE VIEW: it stays the same object, with its rights, triggers and comments. */
export function rebindView(view: View): readonly string[] {
  const options = view.options.length === 0 ? '' : ` WITH (${optionList(view.options)})`;
  return [`CREATE OR REPLACE VIEW ${quoteTable(view)}${options} AS\n${view.definition}`];
}
