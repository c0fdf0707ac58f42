import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';
import { ApiError } from './api-error.ts';
import type { Field } from './types.ts';
import { parseValueType, restField, type ValueType } from './value-type.ts';
import type { Statement, Warehouse } from './warehouse.ts';

/** The columns of a query's result. */
export interface ResultSchema {
  readonly fields: readonly Field[];
  readonly types: readonly ValueType[];
}

export interface QueryResult extends ResultSchema {
  readonly rows: readonly (readonly DuckDBValue[])[];
  /** Rows inserted, updated or deleted. */
  readonly affected?: number;
}

const CHANGES = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE', 'TRUNCATE']);

export function isChange(statement: Statement): boolean {
  return CHANGES.has(statement.statementType);
}

/** Checks a statement without running it: what BigQuery refuses when a job is inserted. */
export async function analyze(warehouse: Warehouse, statement: Statement): Promise<ResultSchema> {
  return await warehouse.use((connection) => describe(connection, statement));
}

/** The names and types of a statement's result; none for one that changes rows. */
export async function describe(
  connection: DuckDBConnection,
  statement: Statement,
): Promise<ResultSchema> {
  try {
    if (statement.statementType !== 'SELECT' && statement.statementType !== '') {
      await connection.prepare(statement.sql);
      return { fields: [], types: [] };
    }
    const columns = await connection.runAndReadAll(`DESCRIBE ${statement.sql}`);
    const types = columns.getRows().map((row) => parseValueType(String(row[1])));
    const fields = columns
      .getRows()
      .map((row, at) => restField(String(row[0]), types[at] as ValueType))
      // A column without a name is f0_, f1_... by its place (recorded).
      .map((field, at) => (isUnnamed(field.name) ? { ...field, name: `f${at}_` } : field));
    return { fields, types };
  } catch (error) {
    throw asQueryError(error);
  }
}

/** DuckDB names a column without an alias by its expression; a plain name is a column's own. */
function isUnnamed(name: string): boolean {
  return /[(+*/<>=|]|^'|^\d/.test(name);
}

/** Runs a statement and reads its rows whole. */
export async function runStatement(
  warehouse: Warehouse,
  statement: Statement,
): Promise<QueryResult> {
  return await warehouse.use(async (connection) => {
    const schema = await describe(connection, statement);
    await fillEmptyArrays(connection, statement);
    try {
      const result = await connection.runAndReadAll(statement.sql);
      if (!isChange(statement)) return { ...schema, rows: result.getRows() };
      for (const table of statement.sources.slice(0, 1))
        table.modified = Math.max(Date.now(), table.modified + 1);
      return { ...schema, rows: [], affected: result.rowsChanged };
    } catch (error) {
      throw asQueryError(error);
    }
  });
}

/**
 * A table never holds a NULL array: it is stored as an empty one (documentation: "NULLs and the
 * ARRAY type"). DuckDB keeps what it is given, so it is put right before a table is read.
 */
export async function fillEmptyArrays(
  connection: DuckDBConnection,
  statement: Statement,
): Promise<void> {
  for (const { schema, dataset, name, options } of statement.sources) {
    if (options.query !== undefined) continue;
    const table = [dataset.project, dataset.name, name].map(quote).join('.');
    for (const field of schema) {
      if (field.mode !== 'REPEATED') continue;
      const column = quote(field.name);
      await connection.run(`UPDATE ${table} SET ${column} = [] WHERE ${column} IS NULL`);
    }
  }
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

type Wording = readonly [RegExp, (match: RegExpExecArray) => string];

/** DuckDB's complaints in BigQuery's words (recorded: rest_crud and standard_functions, errors). */
const WORDINGS: readonly Wording[] = [
  [/Referenced column "(.*?)" not found/, (match) => `Unrecognized name: ${match[1]}`],
  [/Referenced table "(.*?)" not found/, (match) => `Unrecognized name: ${match[1]}`],
  [
    /Function with name "?(?:bq_)?(\w+)"? does not exist/i,
    (match) => `Function not found: ${match[1]}`,
  ],
  [
    /^Parser Error: syntax error at or near "(.*?)"/,
    (match) => `Syntax error: Unexpected "${match[1]}"`,
  ],
  [/Could not convert string '(.*?)' to INT64/, (match) => `Bad int64 value: ${match[1]}`],
  [/Could not convert string '(.*?)' to DOUBLE/, (match) => `Bad double value: ${match[1]}`],
  [
    /^Conversion Error: (?:invalid )?timestamp field.*?: "(.*?)"/,
    (match) => `Invalid timestamp: '${match[1]}'`,
  ],
  [/^Invalid Input Error: (.*)/s, (match) => match[1] ?? ''],
];

/** What DuckDB complains of, in the words of BigQuery; an ApiError stays as it is. */
export function asQueryError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof ApiError) return error;
  const missing = /Table with name (\S+) does not exist/.exec(error.message);
  if (missing !== null) {
    const message = `Table "${missing[1]}" must be qualified with a dataset (e.g. dataset.table).`;
    return new ApiError('invalid', message, { location: missing[1] ?? '' });
  }
  for (const [pattern, word] of WORDINGS) {
    const match = pattern.exec(error.message);
    if (match !== null) return new ApiError('invalidQuery', word(match), { location: 'query' });
  }
  return new ApiError('invalidQuery', error.message, { location: 'query' });
}
