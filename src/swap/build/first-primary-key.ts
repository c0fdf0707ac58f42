import type postgres from 'postgres';
import {
  fitIdentifier,
  quoteIdentifier,
  quoteLiteral,
  quoteTable,
  type TableName,
} from '../../postgres/quoting.ts';
import { cancellable } from '../cancellable-query.ts';
import { explainViolation } from '../constraint-violations.ts';

/** A table that is made for the first time, and its key. */
export interface FirstKey {
  readonly staging: TableName;
  readonly target: TableName;
  readonly key: { readonly columns: readonly string[] } | undefined;
  readonly signal: AbortSignal;
}

/**
 * Gives the staging table of a target that does not exist yet its primary key, once its rows are in:
 * the target has no key of its own to go by. The name is the one that PostgreSQL would choose for the
 * target, where it is free. What is there already stays.
 */
export async function addFirstKey(
  sql: postgres.Sql,
  { staging, target, key, signal }: FirstKey,
): Promise<void> {
  if (key === undefined) return;
  const name = fitIdentifier(target.name, '_pkey');
  const [found] = await sql.unsafe<{ has_key: boolean; taken: boolean }[]>(
    `SELECT EXISTS (SELECT FROM pg_constraint
        WHERE conrelid = to_regclass(${quoteLiteral(quoteTable(staging))}) AND contype = 'p') AS has_key,
      to_regclass(${quoteLiteral(quoteTable({ schema: target.schema, name }))}) IS NOT NULL AS taken`,
  );
  if (found?.has_key) return;
  const named = found?.taken ? '' : `CONSTRAINT ${quoteIdentifier(name)} `;
  const columns = key.columns.map(quoteIdentifier).join(', ');
  const statement = `ALTER TABLE ${quoteTable(staging)} ADD ${named}PRIMARY KEY (${columns})`;
  await cancellable(sql.unsafe(statement), signal).catch((error: unknown) => {
    throw explainViolation(error, target, name);
  });
}
