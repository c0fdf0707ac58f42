import type postgres from 'postgres';
import { command, outputColumns, print } from './print.ts';
import { type TextTable, tableText } from './table-text.ts';

/** int8, int2, int4, oid, float4, float8, numeric: what psql puts to the right. */
const NUMERIC_TYPES: ReadonlySet<number> = new Set([20, 21, 23, 26, 700, 701, 1700]);

/** Runs a query and prints it with its answer, as psql would. */
export async function showQuery(sql: postgres.Sql, query: string): Promise<void> {
  command(`\n${atPrompt(query)}`);
  await printAnswer(sql, query);
}

/** Runs a statement that has no answer, and prints it. */
export async function showStatement(sql: postgres.Sql, statement: string): Promise<void> {
  command(atPrompt(statement));
  await sql.unsafe(statement);
}

function atPrompt(statement: string): string {
  const [first, ...others] = statement.split('\n');
  return [`demo=# ${first}`, ...others.map((line) => `demo-# ${line}`)].join('\n');
}

/** Prints the columns of a table, as `\d+` does. */
export async function describeTable(sql: postgres.Sql, table: string): Promise<void> {
  command(`\ndemo=# \\d+ ${table}`);
  await printAnswer(
    sql,
    `SELECT attname AS "Column", format_type(atttypid, atttypmod) AS "Type",
       CASE WHEN attnotnull THEN 'not null' ELSE '' END AS "Nullable",
       col_description(attrelid, attnum) AS "Description"
     FROM pg_attribute WHERE attrelid = '${table}'::regclass AND attnum > 0 AND NOT attisdropped
     ORDER BY attnum`,
  );
}

/** The answer to a query, its values as Postgres writes them. */
export async function readTable(sql: postgres.Sql, query: string): Promise<TextTable> {
  // Without parameters the server answers in text, and `raw` keeps it.
  const answer = await sql.unsafe(query).raw();
  const columns = answer.columns.map(({ name, type }) => ({
    name,
    numeric: NUMERIC_TYPES.has(type),
  }));
  const rows = [...answer].map((row) => row.map((value) => value && Buffer.from(value).toString()));
  return { columns, rows };
}

async function printAnswer(sql: postgres.Sql, query: string): Promise<void> {
  print(tableText(await readTable(sql, query), outputColumns()));
}
