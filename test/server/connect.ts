import type postgres from 'postgres';
import type { Connection } from '../../src/postgres/connection/connection.ts';
import { connectPool } from '../../src/postgres/pool.ts';
import { SessionOpener, type SessionOptions } from '../../src/postgres/session-opener.ts';

/** A pool as the product has it, with its first session. */
export function connectPostgres(
  connection: Connection,
  { maxConnections, ...options }: SessionOptions & { readonly maxConnections: number },
): Promise<postgres.Sql> {
  return connectPool(new SessionOpener(connection, options), maxConnections);
}
