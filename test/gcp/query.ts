import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';
import { ApiError } from './api-error.ts';
import { type Statement, touch } from './table.ts';
import type { Field } from './types.ts';
import { parseValueType, restField, type ValueType } from './value-type.ts';
import type { Warehouse } from './warehouse.ts';

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
  return await warehouse.read(statement.sources, (connection) => describe(connection, statement));
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
    const columns = (await connection.runAndReadAll(`DESCRIBE ${statement.sql}`)).getRows();
    const types = columns.map(([, type]) => parseValueType(String(type)));
    const own = new Set(statement.sources.flatMap(({ schema }) => schema.map(({ name }) => name)));
    const fields = columns.map(([column], at) => {
      const name = String(column);
      // A column without a name is f0_, f1_... by its place (recorded).
      const shown = isExpression(name) && !own.has(name) ? `f${at}_` : name;
      return restField(shown, types[at] as ValueType);
    });
    return { fields, types };
  } catch (error) {
    throw asQueryError(error);
  }
}

/** DuckDB names a column without an alias by its expression. */
function isExpression(name: string): boolean {
  return /[(+*/<>=|]|^'|^\d/.test(name);
}

/** Runs a statement and reads its rows whole. */
export async function runStatement(
  warehouse: Warehouse,
  statement: Statement,
): Promise<QueryResult> {
  if (isChange(statement))
    return await warehouse.change((connection) => change(connection, statement));
  return await warehouse.read(statement.sources, async (connection) => {
    const schema = await describe(connection, statement);
    try {
      const result = await connection.runAndReadAll(statement.sql);
      return { ...schema, rows: result.getRows() };
    } catch (error) {
      throw asQueryError(error);
    }
  });
}

async function change(connection: DuckDBConnection, statement: Statement): Promise<QueryResult> {
  try {
    const { rowsChanged } = await connection.run(statement.sql);
    const [target] = statement.sources;
    if (target !== undefined) touch(target);
    return { fields: [], types: [], rows: [], affected: rowsChanged };
  } catch (error) {
    throw asQueryError(error);
  }
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
