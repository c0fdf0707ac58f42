const place = globalThis as { polyglot?: Promise<typeof import('@polyglot-sql/sdk')> };

/** On the global object: every test file has module instances of its own, and this one takes a second. */
place.polyglot ??= import('@polyglot-sql/sdk');
const { Dialect, transpile } = await place.polyglot;

/** BigQuery's SQL as DuckDB's, one text for each statement; or the words of what was not understood. */
export function transpileToDuckDb(text: string): { sql: readonly string[] } | { error: string } {
  const { success, sql, error } = transpile(text, Dialect.BigQuery, Dialect.DuckDB);
  return success && sql ? { sql } : { error: error ?? 'not understood' };
}
