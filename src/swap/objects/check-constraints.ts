import { quoteIdentifier, quoteTable, type TableName } from '../../postgres/quoting.ts';
import { arrayText } from '../catalog.ts';
import type { Reader } from '../dependencies/drop-set.ts';

/** A CHECK constraint. `definition` is pg_get_constraintdef's, NOT VALID and NO INHERIT included. */
export interface Check {
  readonly table: TableName;
  readonly name: string;
  readonly definition: string;
}

/** The CHECK constraints of the tables. */
export const readChecks: Reader<Check> = (catalog, { tables }) => catalog.rows`
  SELECT json_build_object('schema', n.nspname, 'name', c.relname) AS table,
    con.conname AS name, pg_get_constraintdef(con.oid) AS definition
  FROM pg_constraint con
  JOIN pg_class c ON c.oid = con.conrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE con.conrelid = ANY (${arrayText(tables)}::oid[]) AND con.contype = 'c'
  ORDER BY n.nspname, c.relname, con.conname`;

/**
 * ADD CONSTRAINT, for staging while it is empty: each row is then checked as it comes in, and the
 * first that breaks one is named by COPY itself. Those declared NOT VALID hold for new rows too,
 * and keep their state; CREATE TABLE would mark them as valid.
 */
export function createCheck({ name, definition }: Check, staging: TableName): readonly string[] {
  return [
    `ALTER TABLE ${quoteTable(staging)} ADD CONSTRAINT ${quoteIdentifier(name)} ${definition}`,
  ];
}
