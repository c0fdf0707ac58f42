import type postgres from 'postgres';
import type { TableName } from '../../src/postgres/quoting.ts';
import { type Dependents, readDependents } from '../../src/swap/dependencies/dependents.ts';

/** What depends on `target`, read as a run does: in one snapshot. */
export async function dependentsOf(
  sql: postgres.Sql,
  target: TableName,
): Promise<Dependents | undefined> {
  return await inSnapshot(sql, (transaction) => readDependents(transaction, target));
}

/** Runs `body` in a transaction that only reads, and sees one snapshot. */
export async function inSnapshot<T>(
  sql: postgres.Sql,
  body: (sql: postgres.TransactionSql) => Promise<T>,
): Promise<T> {
  return (await sql.begin('ISOLATION LEVEL REPEATABLE READ READ ONLY', body)) as T;
}
