import { quoteIdentifier, quoteTable, type TableName } from '../../postgres/quoting.ts';
import { type Catalog, readRows } from '../catalog.ts';

/** A CHECK constraint. `definition` is pg_get_constraintdef's, NOT VALID and NO INHERIT included. */
export interface Check {
  readonly name: string;
  readonly definition: string;
}

/** The CHECK constraints of the target. */
export async function readChecks(catalog: Catalog, target: number): Promise<readonly Check[]> {
  return await readRows<Check>(
    catalog,
    catalog.sql`
    SELECT conname AS name, pg_get_constraintdef(oid) AS definition
    FROM pg_constraint WHERE conrelid = ${target} AND contype = 'c'
    ORDER BY conname`,
  );
}

/**
 * Puts the checks on staging while it is empty: each row is then checked as it comes in, and the
 * first that breaks one is named by COPY itself. Those declared NOT VALID hold for new rows too,
 * and keep their state; CREATE TABLE would mark them as valid.
 */
export function addChecks(staging: TableName, checks: readonly Check[]): readonly string[] {
  return checks.map(
    ({ name, definition }) =>
      `ALTER TABLE ${quoteTable(staging)} ADD CONSTRAINT ${quoteIdentifier(name)} ${definition}`,
  );
}
