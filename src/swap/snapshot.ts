import type postgres from 'postgres';
import type { Handle } from './catalog.ts';

/** Runs `body` in a transaction that only reads, and sees one snapshot. */
export async function inSnapshot<T>(
  sql: postgres.Sql | postgres.ReservedSql,
  body: (sql: Handle) => Promise<T>,
): Promise<T> {
  const mode = 'ISOLATION LEVEL REPEATABLE READ READ ONLY';
  // A reserved connection has, at run time, no begin of its own.
  if ('begin' in sql && typeof sql.begin === 'function') {
    return (await sql.begin(mode, body)) as T;
  }
  await sql.unsafe(`BEGIN ${mode}`);
  try {
    return await body(sql);
  } finally {
    await sql.unsafe('ROLLBACK');
  }
}
