import type { Translation } from './sql-translation.ts';
import type { Field, TableOptions } from './types.ts';

export interface Dataset {
  readonly project: string;
  readonly name: string;
  readonly location: string;
  readonly tables: Map<string, Table>;
}

export interface Table {
  readonly dataset: Dataset;
  readonly name: string;
  schema: readonly Field[];
  readonly options: TableOptions;
  /** The tables that a view reads; of others, none. */
  readonly reads: readonly Table[];
  readonly created: number;
  /** Milliseconds; later after each statement that changes the table. */
  modified: number;
}

/** A statement ready to run. */
export interface Statement extends Translation {
  readonly location: string;
  readonly sources: readonly Table[];
}

/** The tables, and those that they read as views. */
export function withReads(tables: readonly Table[]): readonly Table[] {
  return tables.flatMap((table) => [table, ...withReads(table.reads)]);
}

/** Says that rows of the table have changed. */
export function touch(table: Table): void {
  table.modified = Math.max(Date.now(), table.modified + 1);
}

export function columnsOf({ schema }: Pick<Table, 'schema'>) {
  const fine = schema.filter(({ timestampPrecision }) => timestampPrecision === '12');
  return { columns: schema.map(({ name }) => name), picoseconds: fine.map(({ name }) => name) };
}

/** The view of a table with hidden rows or values, as the account sees it. */
export function shownView({ dataset, name, options }: Table): string {
  const { rows = 'true', values = {} } = options.hidden ?? {};
  const masks = Object.entries(values).map(([column, shown]) => `${shown} AS ${quoteName(column)}`);
  const columns = masks.length === 0 ? '*' : `* REPLACE (${masks.join(', ')})`;
  return `CREATE VIEW ${duckdbName(dataset, shownName(name))} AS
    SELECT ${columns} FROM ${duckdbName(dataset, name)} WHERE ${rows}`;
}

/** Drops the table, or the view, and the view of what is shown of it. */
export function* dropStatements({ dataset, name, options }: Table): Generator<string> {
  if (options.hidden !== undefined) yield `DROP VIEW ${duckdbName(dataset, shownName(name))}`;
  const kind = options.query === undefined ? 'TABLE' : 'VIEW';
  yield `DROP ${kind} ${duckdbName(dataset, name)}`;
}

/**
 * In BigQuery's quotes: it goes through polyglot like the rest of the statement. What is read is
 * read as the account may see it.
 */
export function nameOf({ dataset, name, options }: Table, toRead: boolean): string {
  const shown = toRead && options.hidden !== undefined ? shownName(name) : name;
  return [dataset.project, dataset.name, shown]
    .map((part) => `\`${part.replaceAll('`', '\\`')}\``)
    .join('.');
}

function shownName(table: string): string {
  return `${table}$shown`;
}

/** The name of a table in DuckDB's own SQL. */
export function duckdbName(dataset: Pick<Dataset, 'project' | 'name'>, table: string): string {
  return [dataset.project, dataset.name, table].map(quoteName).join('.');
}

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
