import postgres from 'postgres';
import type { Connection } from './connection/connection.ts';
import { TEXT_TYPES } from './postgres-types.ts';
import { SessionOpener, type SessionOptions } from './session-opener.ts';

/** A connection that is one caller's own: what it sets and locks stays. */
export type Session = postgres.ReservedSql;

/** What a pool is for. */
export interface PoolOptions extends SessionOptions {
  readonly maxConnections: number;
}

/**
 * Opens a pool, and its first session. Rejects with a ProjectorError that says what each attempt met.
 * Values come back as TEXT_TYPES says; dates and times are ISO whatever the role's default.
 */
export async function connectPostgres(
  connection: Connection,
  options: PoolOptions,
): Promise<postgres.Sql> {
  const sql = openPool(connection, new SessionOpener(connection, options), options);
  try {
    const session = await sql.reserve();
    session.release();
    return sql;
  } catch (error) {
    await sql.end({ timeout: 0 });
    throw error;
  }
}

/** Notices are not shown. */
function openPool(
  connection: Connection,
  opener: SessionOpener,
  { maxConnections }: PoolOptions,
): postgres.Sql {
  return postgres({
    // For the address in messages of postgres.js; the sockets are made, and logged in, here.
    host: connection.hosts[0]?.name,
    port: connection.hosts[0]?.port,
    socket: async () => Object.assign(await opener.open(), { loggedIn: true }),
    user: connection.user,
    database: connection.database,
    pass: null,
    ssl: false,
    sslnegotiation: null,
    target_session_attrs: null,
    max: maxConnections,
    connect_timeout: null,
    idle_timeout: null,
    max_lifetime: null,
    keep_alive: null,
    debug: false,
    // Named statements break behind a pooler, and when a table changes under them.
    prepare: false,
    fetch_types: false,
    types: TEXT_TYPES,
    onnotice: () => undefined,
  } as unknown as postgres.Options<Record<string, never>>) as unknown as postgres.Sql;
}
