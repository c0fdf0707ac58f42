import { arrayText } from '../catalog.ts';
import { oidsIn, type Reader } from '../dependencies/drop-set.ts';

/** A function or procedure with an SQL-standard body that uses one of the tables. */
export interface SqlFunction {
  /** Schema, name and argument types, as ALTER FUNCTION takes them. */
  readonly signature: string;
  /** pg_get_functiondef's CREATE OR REPLACE. */
  readonly definition: string;
}

/** The functions that use something that goes. Aggregates cannot: they have no body. */
export const readFunctions: Reader<SqlFunction> = (catalog, { dependents }) => catalog.rows`
  SELECT oid::regprocedure::text AS signature, pg_get_functiondef(oid) AS definition
  FROM pg_proc
  WHERE oid = ANY (${arrayText(oidsIn(dependents, 'pg_proc'))}::oid[]) AND prokind IN ('f', 'p')
  ORDER BY 1`;

/** CREATE OR REPLACE FUNCTION: it stays the same object, with its rights and comments. */
export function rebindFunction({ definition }: SqlFunction): readonly string[] {
  return [definition];
}
