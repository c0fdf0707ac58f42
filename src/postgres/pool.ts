import postgres from 'postgres';
import { ProjectorError } from '../errors.ts';
import { type Attempt, connectFailure } from './connect-failure.ts';
import type { Connection, Server, SessionTarget } from './connection/connection.ts';
import { openFirstSession, SESSION_SETTINGS } from './first-session.ts';
import { TEXT_TYPES } from './postgres-types.ts';
import { type Encryption, openSocket, TlsError } from './socket.ts';
import { CANNOT_CONNECT_NOW, hasSqlState } from './sqlstates.ts';

/** A connection that is one caller's own: what it sets and locks stays. */
export type Session = postgres.ReservedSql;

/** What a pool is for. */
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
      if (!mayTryNextHost(attempts.at(-1)?.error)) throw connectFailure(connection, attempts);
    }
  }
  throw connectFailure(connection, attempts);
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
      await openFirstSession(sql, target);
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
  return !(error instanceof postgres.PostgresError) || hasSqlState(error, CANNOT_CONNECT_NOW);
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
      ...SESSION_SETTINGS,
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

async function freshToken(options: PoolOptions): Promise<string> {
  if (options.accessToken === undefined) throw new Error('no access token is available');
  try {
    return await options.accessToken();
  } catch (cause) {
    throw new ProjectorError({
      code: 'NO_ACCESS_TOKEN',
      message: 'no access token for the IAM login to PostgreSQL is available',
      hint: 'Check the credentials of this machine: gcloud auth application-default print-access-token.',
      cause,
    });
  }
}
