import { quoteTable, type TableName } from '../postgres/quoting.ts';
import { arrayText, type Handle } from './catalog.ts';
import type { LockWait } from './lock-retry.ts';

/** A session that others wait for. */
export interface LockHolder {
  readonly pid: number;
  readonly role: string;
  /** When its transaction began, by the server's clock. */
  readonly since: string;
  /** What it runs, or ran last: the beginning. `?` where the user may not see it. */
  readonly query: string;
}

/** Columns of pg_stat_activity, as `a`, that are a LockHolder. */
export const HOLDER_COLUMNS = `a.pid, coalesce(a.usename, '?') AS role,
  coalesce(to_char(coalesce(a.xact_start, a.backend_start), 'YYYY-MM-DD HH24:MI:SS'), '?') AS since,
  coalesce(left(a.query, 200), '?') AS query`;

/** After so long a wait for somebody else's lock is worth a word, and again every so often. */
export const FIRST_WORD_MS = 5000;
export const NEXT_WORD_MS = 30_000;

/** The other sessions that have a lock of one of the tables, or of a partition of one. */
export async function readHolders(
  sql: Handle,
  tables: readonly TableName[],
): Promise<readonly LockHolder[]> {
  return await sql.unsafe<LockHolder[]>(
    `SELECT DISTINCT ${HOLDER_COLUMNS}
     FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid,
       LATERAL (SELECT to_regclass(name) AS oid FROM unnest($1::text[]) AS name) AS held
     WHERE l.granted AND l.pid <> pg_backend_pid() AND (l.relation = held.oid
       OR l.relation IN (SELECT relid FROM pg_partition_tree(held.oid)))`,
    [arrayText(tables.map(quoteTable))],
  );
}

/** Who it is, since when, and by what. */
export function holderText({ pid, role, since, query }: LockHolder): string {
  return `session ${pid} (${role}, in its transaction since ${since}: ${query})`;
}

/** The statement that ends the session. */
export function endOf({ pid }: LockHolder): string {
  return `SELECT pg_terminate_backend(${pid});`;
}

/** What is said while one waits for them. */
export function waitingText(holders: readonly LockHolder[]): string {
  const texts = holders.map((holder) => `${holderText(holder)}; to end it: ${endOf(holder)}`);
  return `waiting for a lock of ${texts.join(', and of ')}`;
}

/** Says by `warn` for whose locks of `tables` short tries wait: after some seconds, and from time to time. */
export function tellOfHolders(
  sql: Handle,
  warn: (text: string) => void,
): (wait: LockWait, tables: readonly TableName[]) => Promise<void> {
  let nextMs = FIRST_WORD_MS;
  return async ({ waitedMs }, tables) => {
    if (waitedMs < nextMs) return;
    const holders = await readHolders(sql, tables);
    if (holders.length === 0) return;
    nextMs = waitedMs + NEXT_WORD_MS;
    warn(waitingText(holders));
  };
}
