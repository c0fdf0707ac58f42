import { quoteIdentifier, quoteTable, type TableName } from '../../postgres/quoting.ts';
import { arrayText } from '../catalog.ts';
import { oidsIn, type Reader } from '../dependencies/drop-set.ts';

/** A default of another table that draws from an identity sequence of the tables. */
export interface ColumnDefault {
  readonly table: TableName;
  readonly column: string;
  readonly expression: string;
}

/** The defaults of other tables that depend on something that goes. */
export const readColumnDefaults: Reader<ColumnDefault> = (catalog, { dependents }) => catalog.rows`
  SELECT json_build_object('schema', n.nspname, 'name', c.relname) AS table,
    a.attname AS column, pg_get_expr(d.adbin, d.adrelid) AS expression
  FROM pg_attrdef d
  JOIN pg_class c ON c.oid = d.adrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
  WHERE d.oid = ANY (${arrayText(oidsIn(dependents, 'pg_attrdef'))}::oid[])
  ORDER BY n.nspname, c.relname, a.attnum`;

/** ALTER COLUMN ... SET DEFAULT; ONLY, since each partition's default is an object of its own. */
export function rebindColumnDefault({
  table,
  column,
  expression,
}: ColumnDefault): readonly string[] {
  return [
    `ALTER TABLE ONLY ${quoteTable(table)} ALTER COLUMN ${quoteIdentifier(column)} SET DEFAULT ${expression}`,
  ];
}
