import postgres from 'postgres';
import { TEXT_TYPES } from './postgres-types.ts';
import type { SessionOpener } from './session-opener.ts';

/** A connection that is one caller's own: what it sets and locks stays. */
export type Session = postgres.ReservedSql;

/**
 * A pool whose sessions are opened when they are needed. Values come back as TEXT_TYPES says; dates and
 * times are ISO whatever the role's default. Notices are not shown.
 */
export function openPool(opener: SessionOpener, maxConnections: number): postgres.Sql {
  const { hosts, user, database } = opener.connection;
  return postgres({
    // For the address in messages of postgres.js; the sockets are made, and logged in, here.
    host: hosts[0]?.name,
    port: hosts[0]?.port,
    socket: async () => Object.assign(await opener.open(), { loggedIn: true }),
    cancel: (backend: number) => opener.cancel(backend),
    user,
    database,
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

/** A pool with its first session. Rejects with a ProjectorError that says what each attempt met. */
export async function connectPool(
  opener: SessionOpener,
  maxConnections: number,
): Promise<postgres.Sql> {
  const sql = openPool(opener, maxConnections);
  try {
    const session = await sql.reserve();
    session.release();
    return sql;
  } catch (error) {
    await sql.end({ timeout: 0 });
    throw error;
  }
}
