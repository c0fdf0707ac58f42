import { arrayText, type Catalog, readRows } from '../catalog.ts';

/** A function or procedure with an SQL-standard body that uses the target. */
export interface SqlFunction {
  /** Schema, name and argument types, as ALTER FUNCTION takes them. */
  readonly signature: string;
  /** pg_get_functiondef's CREATE OR REPLACE. */
  readonly definition: string;
}

/** The functions with the given oids. Aggregates cannot have a body, so none can be among them. */
export async function readFunctions(
  catalog: Catalog,
  oids: readonly number[],
): Promise<readonly SqlFunction[]> {
  return await readRows<SqlFunction>(
    catalog,
    catalog.sql`
    SELECT oid::regprocedure::text AS signature, pg_get_functiondef(oid) AS definition
    FROM pg_proc WHERE oid = ANY (${arrayText(oids)}::oid[]) AND prokind IN ('f', 'p')
    ORDER BY 1`,
  );
}
