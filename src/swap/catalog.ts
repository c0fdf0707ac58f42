import type postgres from 'postgres';
import { Refusals } from './refusals.ts';

/** Any postgres.js handle that can run statements: the pool, a reserved connection, a transaction. */
export type Handle = postgres.ISql;

/**
 * What each kind of dependent reads from: one transaction, inside `withReadingSettings`. Rows come by
 * way of JSON: numbers, lists and nested objects are such under any type settings of the pool. Cast
 * an oid to int8: JSON has oids as text.
 */
export interface Catalog {
  readonly sql: Handle;
  readonly majorVersion: number;
  readonly refuse: Refusals;
  /** The privilege for pg_has_role that SET ROLE needs: PostgreSQL 16 split it from membership. */
  readonly setRole: 'SET' | 'MEMBER';
  /** The rows of a query. */
  rows<T>(query: TemplateStringsArray, ...values: readonly Value[]): Promise<readonly T[]>;
  /**
   * The objects that a query finds. Its column `facts` is no part of them: it holds what decides
   * whether an object is refused, and goes to `refuse` alone.
   */
  objects<T, Facts>(
    refuse: (refuse: Refusals, object: T, facts: Facts) => void,
  ): (query: TemplateStringsArray, ...values: readonly Value[]) => Promise<readonly T[]>;
}

type Value = string | number | postgres.Fragment;

/** Opens the catalog inside the transaction that `sql` is in. */
export async function openCatalog(sql: Handle): Promise<Catalog> {
  const [row] = await sql<{ version: number; currentUser: string; superuser: boolean }[]>`
    SELECT current_setting('server_version_num')::int AS version, current_user AS "currentUser",
      (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser`;
  if (row === undefined) throw new TypeError('a SELECT without FROM gave no row');
  const majorVersion = Math.floor(row.version / 10_000);
  const refusals = new Refusals(row.currentUser, row.superuser);
  async function rows<T>(query: TemplateStringsArray, ...values: readonly Value[]) {
    const [found] = await sql<{ rows: string }[]>`
      SELECT coalesce(json_agg(found), '[]')::text AS rows FROM (${sql(query, ...values)}) AS found`;
    return JSON.parse(found?.rows ?? '[]') as T[];
  }
  return {
    sql,
    majorVersion,
    refuse: refusals,
    setRole: majorVersion >= 16 ? 'SET' : 'MEMBER',
    rows,
    objects:
      (refuse) =>
      async (query, ...values) => {
        const found = await rows<{ facts: never }>(query, ...values);
        return found.map(({ facts, ...rest }) => {
          const object = rest as never;
          refuse(refusals, object, facts);
          return object;
        });
      },
  };
}

/** `items` as an array's text, which needs no knowledge of array types on the client's side. */
export function arrayText(items: readonly (string | number)[]): string {
  return `{${items.map((item) => `"${String(item).replace(/["\\]/g, '\\$&')}"`).join(',')}}`;
}
