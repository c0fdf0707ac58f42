import type postgres from 'postgres';
import { Refusals } from './refusals.ts';

/** Any postgres.js handle that can run statements: the pool, a reserved connection, a transaction. */
export type Handle = postgres.ISql;

/** What each kind of dependent reads from: one transaction, inside `withReadingSettings`. */
export interface Catalog {
  readonly sql: Handle;
  readonly majorVersion: number;
  readonly refuse: Refusals;
  /** The privilege for pg_has_role that SET ROLE needs: PostgreSQL 16 split it from membership. */
  readonly setRole: 'SET' | 'MEMBER';
}

/** Opens the catalog inside the transaction that `sql` is in. */
export async function openCatalog(sql: Handle): Promise<Catalog> {
  const [row] = await sql<{ version: number; currentUser: string; superuser: boolean }[]>`
    SELECT current_setting('server_version_num')::int AS version, current_user AS "currentUser",
      (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser`;
  if (row === undefined) throw new TypeError('a SELECT without FROM gave no row');
  const majorVersion = Math.floor(row.version / 10_000);
  return {
    sql,
    majorVersion,
    refuse: new Refusals(row.currentUser, row.superuser),
    setRole: majorVersion >= 16 ? 'SET' : 'MEMBER',
  };
}

/**
 * The rows of `query` by way of JSON: numbers, lists and nested objects then come back as such
 * under any type settings of the pool. Cast an oid to int8: JSON has oids as text.
 */
export async function readRows<T>(
  { sql }: Catalog,
  query: postgres.Fragment,
): Promise<readonly T[]> {
  const [row] = await sql<{ rows: string }[]>`
    SELECT coalesce(json_agg(catalog_row), '[]')::text AS rows FROM (${query}) AS catalog_row`;
  return JSON.parse(row?.rows ?? '[]') as T[];
}

/**
 * The objects that `query` finds. Its column `facts` is no part of them: it holds what decides
 * whether an object is refused, and goes to `refuse` alone.
 */
export async function readObjects<T, Facts>(
  catalog: Catalog,
  query: postgres.Fragment,
  refuse: (refuse: Refusals, object: T, facts: Facts) => void,
): Promise<readonly T[]> {
  const rows = await readRows<{ readonly facts: Facts }>(catalog, query);
  return rows.map(({ facts, ...rest }) => {
    const object = rest as T;
    refuse(catalog.refuse, object, facts);
    return object;
  });
}

/** `items` as an array's text, which needs no knowledge of array types on the client's side. */
export function arrayText(items: readonly (string | number)[]): string {
  return `{${items.map((item) => `"${String(item).replace(/["\\]/g, '\\$&')}"`).join(',')}}`;
}
