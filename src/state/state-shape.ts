import { ProjectorError } from '../errors.ts';
import { quoteIdentifier, quoteLiteral, quoteTable, type TableName } from '../postgres/quoting.ts';
import { STATE_TABLE_NAMES, type StateTables } from './state-tables.ts';

/** What the catalog says of a table that has the name of one of the program's. */
export interface StateShape {
  readonly name: (typeof STATE_TABLE_NAMES)[number];
  /** `name type`, and ` not null` and ` key` where it is so, for each column in order. */
  readonly columns: readonly string[];
  /** pg_class.relkind: `r` is an ordinary table. */
  readonly kind: string;
}

/** The columns that every release has had; a newer release may have added others. */
const REQUIRED: Readonly<Record<StateShape['name'], readonly string[]>> = {
  sync_state: ['table_name text not null key', 'last_synced_at timestamp without time zone'],
  sync_runs: ['run_id text not null key', 'target text not null', 'status text not null'],
  sync_splits: ['object_prefix text not null', 'split text not null'],
};

/** The query for the shapes of the state tables in the schema that `schema`, an SQL expression, gives. */
export function shapesQuery(schema: string): string {
  const names = STATE_TABLE_NAMES.map(quoteLiteral).join(', ');
  return `SELECT coalesce(json_agg(shape), '[]')::text FROM (
      SELECT c.relname AS name, c.relkind AS kind,
        ARRAY(SELECT a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
            || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
            || CASE WHEN k.conkey = ARRAY[a.attnum] THEN ' key' ELSE '' END
          FROM pg_attribute a
          LEFT JOIN pg_constraint k ON k.conrelid = a.attrelid AND k.contype = 'p'
          WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          ORDER BY a.attnum) AS columns
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = ${schema} AND c.relname IN (${names})) AS shape`;
}

/** Throws BAD_SYNC_STATE for a table that has the name of one of the program's, and is not. */
export function checkShapes(tables: StateTables, shapes: readonly StateShape[]): void {
  for (const { name, kind, columns } of shapes) {
    const required = REQUIRED[name];
    const exact = name !== 'sync_state' || columns.length === required.length;
    if (kind === 'r' && exact && required.every((column) => columns.includes(column))) continue;
    throw badTable({ schema: tables.state.schema, name }, columns, required);
  }
}

function badTable(
  table: TableName,
  columns: readonly string[],
  required: readonly string[],
): ProjectorError {
  return new ProjectorError({
    code: 'BAD_SYNC_STATE',
    message: `table ${quoteTable(table)} is not this program's: it has (${columns.join(', ')}), and (${required.join(', ')}) is needed`,
    hint: `Rename it, and run again: ALTER TABLE ${quoteTable(table)} RENAME TO ${quoteIdentifier(`${table.name}_old`)};`,
  });
}
