import postgres from 'postgres';
import type { Connection, Server, SessionTarget } from '../connection/connection.ts';
import { ProjectorError } from '../errors.ts';
import { describeConnectFailure } from './postgres-errors.ts';
import { type Encryption, openSocket, TlsError } from './postgres-socket.ts';
import { TEXT_TYPES } from './postgres-types.ts';

export { type CopyStream, openCopy } from './postgres-copy.ts';
export { describeServerError, isRetryable } from './postgres-errors.ts';

export interface PoolOptions {
  readonly maxConnections: number;
  /** What pg_stat_activity shows, unless the connection string says otherwise. */
  readonly applicationName: string;
  /** A fresh access token of Google Cloud: called once for each connection of an IAM user. */
  readonly accessToken?: () => Promise<string>;
  readonly onNotice?: (notice: postgres.Notice) => void;
}

/** One way to reach one of the hosts. */
interface Route {
  readonly server: Server;
  readonly encryption: Encryption;
}

/** A failed attempt, in the order in which they were made. */
export interface Attempt {
  readonly server: Server;
  readonly error: unknown;
}

/**
 * Connects by the first host, and with the first kind of encryption, that libpq would settle on,
 * and keeps to it: all connections of the pool lead to the same server. Rejects with a
 * ProjectorError that tells what each attempt met. Values come back as TEXT_TYPES says; DateStyle is
 * ISO whatever the role's default.
 */
export async function connectPostgres(
  connection: Connection,
  options: PoolOptions,
): Promise<postgres.Sql> {
  const attempts: Attempt[] = [];
  for (const target of targetsInOrder(connection.targetSession)) {
    for (const server of connection.hosts) {
      const sql = await connectServer(connection, server, target, options, attempts);
      if (sql !== undefined) return sql;
      if (!mayTryNextHost(attempts.at(-1)?.error))
        throw describeConnectFailure(connection, attempts);
    }
  }
  throw describeConnectFailure(connection, attempts);
}

function targetsInOrder(target: SessionTarget): SessionTarget[] {
  return target === 'prefer-standby' ? ['standby', 'any'] : [target];
}

/** Tries one host; undefined if that failed, which is then the last of `attempts`. */
async function connectServer(
  connection: Connection,
  server: Server,
  target: SessionTarget,
  options: PoolOptions,
  attempts: Attempt[],
): Promise<postgres.Sql | undefined> {
  for (const encryption of encryptionsInOrder(connection, server)) {
    const sql = openPool(connection, { server, encryption }, options);
    try {
      await openFirst(sql, target);
      return sql;
    } catch (error) {
      attempts.push({ server, error });
      await sql.end({ timeout: 0 });
      if (!mayTryOtherEncryption(error)) return undefined;
    }
  }
  return undefined;
}

/** "Table 34.1. SSL Mode Descriptions" of the PostgreSQL manual. */
function encryptionsInOrder(connection: Connection, server: Server): Encryption[] {
  const { mode } = connection.tls;
  if (server.isUnixSocket || mode === 'disable') return ['never'];
  if (mode === 'allow') return ['never', 'always'];
  return mode === 'prefer' ? ['offered', 'never'] : ['always'];
}

/** As libpq does: after a failed handshake, or when the server turns down this kind of login. */
function mayTryOtherEncryption(error: unknown): boolean {
  return error instanceof TlsError || isLoginRefusal(error);
}

function isLoginRefusal(error: unknown): boolean {
  return error instanceof postgres.PostgresError && error.code.startsWith('28');
}

/** As libpq does: a server that answers ends the search, unless it is starting up or not wanted. */
function mayTryNextHost(error: unknown): boolean {
  if (error instanceof ProjectorError) return false;
  return !(error instanceof postgres.PostgresError) || error.code === '57P03';
}

function openPool(connection: Connection, route: Route, options: PoolOptions): postgres.Sql {
  let password = route.server.password?.reveal() ?? '';
  return postgres({
    // postgres.js takes this for the address in its messages; the sockets are made here.
    host: route.server.name,
    port: route.server.port,
    socket: async () => {
      if (connection.needsIamToken) password = await freshToken(options);
      return openSocket(connection, route.server, route.encryption);
    },
    pass: () => password,
    user: connection.user,
    database: connection.database,
    connection: {
      application_name: connection.applicationName ?? options.applicationName,
      DateStyle: 'ISO',
      ...NO_TIMEOUTS,
      ...(connection.options !== undefined && { options: connection.options }),
    },
    ssl: false,
    sslnegotiation: null,
    target_session_attrs: null,
    max: options.maxConnections,
    connect_timeout: connection.connectTimeoutMs / 1000,
    idle_timeout: null,
    max_lifetime: null,
    keep_alive: null,
    debug: false,
    // Named statements break behind a pooler, and when a table changes under them.
    prepare: false,
    fetch_types: false,
    types: TEXT_TYPES,
    onnotice: options.onNotice ?? (() => undefined),
  } as unknown as postgres.Options<Record<string, never>>) as unknown as postgres.Sql;
}

/** A role's limits for people must not end a load of hours, which waits and computes for long. */
const NO_TIMEOUTS = {
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

async function freshToken(options: PoolOptions): Promise<string> {
  if (options.accessToken === undefined) throw new Error('no access token can be had');
  try {
    return await options.accessToken();
  } catch (cause) {
    throw new ProjectorError({
      code: 'NO_ACCESS_TOKEN',
      message: 'no access token for the IAM login to PostgreSQL could be had',
      next: 'Check the credentials of this machine: gcloud auth application-default print-access-token.',
      cause,
    });
  }
}

interface SessionState {
  readonly is_standby: boolean;
  readonly is_read_only: boolean;
}

/**
 * Opens the pool's first connection, checks that it leads where target_session_attrs says, and gives
 * the newer settings to it and to those that the pool will open.
 */
async function openFirst(sql: postgres.Sql, target: SessionTarget): Promise<void> {
  const [row] = await sql.unsafe<(SessionState & Record<string, string | null>)[]>(`
    SELECT pg_catalog.pg_is_in_recovery() AS is_standby,
           pg_catalog.current_setting('transaction_read_only') = 'on' AS is_read_only,
           ${Object.entries(NEWER_SETTINGS).map(setIfKnown).join(', ')}`);
  if (row === undefined) return;
  requireFit(row, target);
  const settings = sql.options.connection as Record<string, unknown>;
  for (const [name, value] of Object.entries(NEWER_SETTINGS)) {
    if (row[name] != null) settings[name] = value;
  }
}

function requireFit(state: SessionState, target: SessionTarget): void {
  if (fits(state, target)) return;
  const kind = state.is_standby ? 'a standby' : state.is_read_only ? 'read-only' : 'a primary';
  throw new Error(`the server is ${kind}, and target_session_attrs asks for ${target}`);
}

function fits(state: SessionState, target: SessionTarget): boolean {
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
