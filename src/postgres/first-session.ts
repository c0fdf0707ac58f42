import type postgres from 'postgres';
import type { SessionTarget } from './connection/connection.ts';
import { WRONG_SERVER } from './network-errors.ts';

/**
 * What every session begins with, whatever the role or the database has as its default. Limits for
 * people must not end a load of hours, which waits and computes for long; the swap has to see what has
 * changed since it began; types are compared by their names.
 */
export const SESSION_SETTINGS = {
  DateStyle: 'ISO',
  default_transaction_isolation: 'read committed',
  quote_all_identifiers: 'off',
  statement_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
};

/** Settings that not every version has; a server refuses those that it does not know. */
const NEWER_SETTINGS: Readonly<Record<string, string>> = {
  idle_session_timeout: '0',
  // So that a backend that builds an index notices that its run has died, and lets its locks go.
  client_connection_check_interval: '5s',
  transaction_timeout: '0',
};

/**
 * The setting, given to this session; NULL where the server has none of this name. Windows has
 * client_connection_check_interval and takes no value for it.
 */
function setIfKnown([name, value]: [string, string]): string {
  const known = `pg_catalog.current_setting('${name}', true) IS NOT NULL`;
  const able = "pg_catalog.version() !~ 'Visual C|mingw|windows'";
  return `CASE WHEN ${known} AND ${able}
    THEN pg_catalog.set_config('${name}', '${value}', false) END AS ${name}`;
}

interface SessionState {
  readonly is_standby: boolean;
  readonly is_read_only: boolean;
}

/**
 * Opens the pool's first connection, checks that it leads where target_session_attrs says, and gives
 * the newer settings to it and to those that the pool will open.
 */
export async function openFirstSession(sql: postgres.Sql, target: SessionTarget): Promise<void> {
  const [row] = await sql.unsafe<(SessionState & Record<string, string | null>)[]>(`
    SELECT pg_catalog.pg_is_in_recovery() AS is_standby,
           pg_catalog.current_setting('transaction_read_only') = 'on' AS is_read_only,
           ${Object.entries(NEWER_SETTINGS).map(setIfKnown).join(', ')}`);
  if (row === undefined) return;
  checkSessionAttrs(row, target);
  const settings = sql.options.connection as Record<string, unknown>;
  for (const [name, value] of Object.entries(NEWER_SETTINGS)) {
    if (row[name] != null) settings[name] = value;
  }
}

function checkSessionAttrs(state: SessionState, target: SessionTarget): void {
  if (matchesSessionAttrs(state, target)) return;
  const kind = state.is_standby ? 'a standby' : state.is_read_only ? 'read-only' : 'a primary';
  throw Object.assign(
    new Error(`the server is ${kind}, and target_session_attrs asks for ${target}`),
    { code: WRONG_SERVER },
  );
}

function matchesSessionAttrs(state: SessionState, target: SessionTarget): boolean {
  switch (target) {
    case 'read-write':
      return !state.is_standby && !state.is_read_only;
    case 'read-only':
      return state.is_standby || state.is_read_only;
    case 'primary':
      return !state.is_standby;
    case 'standby':
      return state.is_standby;
    default:
      return true;
  }
}
