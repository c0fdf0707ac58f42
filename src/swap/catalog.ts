import type postgres from 'postgres';
import { type Failure, ProjectorError } from '../errors.ts';

/** Any postgres.js handle that can run statements: the pool, a reserved connection, a transaction. */
export type Handle = postgres.ISql;

/** Something that a full load could not give back, or has no right to rebuild. */
export interface Refusal {
  readonly code: 'UNSUPPORTED_DEPENDENT' | 'INSUFFICIENT_PRIVILEGE';
  /** The object and what is wrong with it: `view public.v belongs to "ann"`. */
  readonly message: string;
  /** What to do about it, with the statement to run where there is one. */
  readonly hint: string;
}

/** What each kind of dependent reads from: one transaction, under `READING`. */
export interface Catalog {
  readonly sql: Handle;
  readonly majorVersion: number;
  readonly currentUser: string;
  readonly superuser: boolean;
  /** The privilege for pg_has_role that SET ROLE needs: PostgreSQL 16 split it from membership. */
  readonly setRole: 'SET' | 'MEMBER';
  readonly refuse: (refusal: Refusal) => void;
}

/**
 * Settings under which the catalog is read: every name comes out qualified and every constant in
 * one spelling, whatever the role's own settings are, so that two readings can be compared.
 */
const READING_SETTINGS = {
  search_path: '',
  quote_all_identifiers: 'off',
  datestyle: 'ISO',
  intervalstyle: 'postgres',
  timezone: 'UTC',
  extra_float_digits: '1',
  // Planning takes most of the time: once is enough for three readings, and compiling never pays.
  plan_cache_mode: 'force_generic_plan',
  jit: 'off',
} as const;

/** Settings that the text read under `READING` needs to be understood again, for a transaction. */
export const WRITING_SETTINGS: readonly string[] = [
  'SET LOCAL intervalstyle = postgres',
  'SET LOCAL datestyle = ISO',
  'SET LOCAL check_function_bodies = off',
  'SET LOCAL statement_timeout = 0',
];

/** Runs `body` with the settings of `READING`, and puts back what was set before. */
export async function withReadingSettings<T>(sql: Handle, body: () => Promise<T>): Promise<T> {
  const names = Object.keys(READING_SETTINGS);
  const before = await sql<{ name: string; value: string }[]>`
    SELECT name, current_setting(name) AS value FROM unnest(${arrayText(names)}::text[]) AS name`;
  await setLocally(sql, Object.entries(READING_SETTINGS));
  const result = await body();
  await setLocally(
    sql,
    before.map(({ name, value }) => [name, value]),
  );
  return result;
}

async function setLocally(
  sql: Handle,
  settings: readonly (readonly [string, string])[],
): Promise<void> {
  await sql`
    SELECT set_config(name, value, true)
    FROM unnest(${arrayText(settings.map(([name]) => name))}::text[], ${arrayText(settings.map(([, value]) => value))}::text[])
      AS setting(name, value)`;
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

/** `items` as an array's text, which needs no knowledge of array types on the client's side. */
export function arrayText(items: readonly (string | number)[]): string {
  return `{${items.map((item) => `"${String(item).replace(/["\\]/g, '\\$&')}"`).join(',')}}`;
}

/** Opens the catalog inside the transaction that `sql` is in; refusals are collected in `refusals`. */
export async function openCatalog(sql: Handle, refusals: Refusal[]): Promise<Catalog> {
  const [row] = await sql<{ version: number; currentUser: string; superuser: boolean }[]>`
    SELECT current_setting('server_version_num')::int AS version, current_user AS "currentUser",
      (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser`;
  if (row === undefined) throw new TypeError('a SELECT without FROM gave no row');
  const majorVersion = Math.floor(row.version / 10_000);
  return {
    sql,
    majorVersion,
    currentUser: row.currentUser,
    superuser: row.superuser,
    setRole: majorVersion >= 16 ? 'SET' : 'MEMBER',
    refuse: (refusal) => refusals.push(refusal),
  };
}

/** All refusals as one error: every object and every way out is told at once. */
export function refusalError(target: string, refusals: readonly Refusal[]): ProjectorError {
  const messages = [...new Set(refusals.map(({ message }) => message))];
  const hint = [...new Set(refusals.map((refusal) => refusal.hint))];
  const failure: Failure = {
    code: refusals[0]?.code ?? 'UNSUPPORTED_DEPENDENT',
    message: `${target} cannot be loaded in full without loss: ${messages.join('; ')}`,
    hint: hint.join(' '),
  };
  return new ProjectorError(failure);
}
