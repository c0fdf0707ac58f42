import type postgres from 'postgres';
import { showQuery, showStatement } from './show-results.ts';

/** Adds what a user would, and sets the watermark back, which asks for a full load. */
export async function addDependents(sql: postgres.Sql): Promise<void> {
  const statements = [
    'CREATE INDEX flights_route ON flights (origin, destination)',
    'CREATE VIEW delays AS\n  SELECT origin, avg(delay) AS delay FROM flights GROUP BY origin',
    "UPDATE sync_state SET last_synced_at = NULL\n  WHERE table_name = 'flights'",
  ];
  for (const statement of statements) await showStatement(sql, statement);
}

/** Shows that they are there, on the table that took the place of the former. */
export async function showDependents(sql: postgres.Sql): Promise<void> {
  await showQuery(sql, "SELECT indexdef FROM pg_indexes WHERE tablename = 'flights'");
  await showQuery(
    sql,
    'SELECT origin, round(delay, 1) AS delay FROM delays\n  ORDER BY delay DESC LIMIT 3',
  );
}
