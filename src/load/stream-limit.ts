import type postgres from 'postgres';
import { readFreeConnections } from '../postgres/free-connections.ts';

/** How many connections a full load may use, and why not more. */
export interface StreamLimit {
  readonly most: number;
  readonly reason: string;
}

/** In benchmarks more never helped: disk or WAL is the bottleneck by then. */
const MOST_STREAMS = 8;

/** Connections of the server that are left to its other users. */
const RESERVED_CONNECTIONS = 5;

/** Two chunks, a split's read-ahead and a block: what one stream holds at most in usual data. */
const STREAM_BYTES = 48 * 1024 * 1024;

/**
 * A PostgreSQL server does not report its CPUs. It shows the parallel workers that it was
 * configured for, which Cloud SQL and most tuning guides set to the number of CPUs or more.
 */
const WORKERS = `SELECT current_setting('max_parallel_workers')::int AS workers`;

/** What is there for streams on this side. */
export interface StreamRoom {
  /** Connections of the pool that they take. */
  readonly connections: number;
  /** Of memory. */
  readonly freeBytes: number;
}

/** The limit of streams by CPUs, free connections (less a reserve) and memory. */
export async function limitStreams(
  sql: postgres.Sql | postgres.ReservedSql,
  { connections, freeBytes }: StreamRoom,
): Promise<StreamLimit> {
  const [row] = await sql.unsafe<{ workers: number }[]>(WORKERS);
  const free = await readFreeConnections(sql);
  const limits: StreamLimit[] = [
    { most: MOST_STREAMS, reason: 'more are of no use to any server' },
    { most: row?.workers ?? 2, reason: 'max_parallel_workers of the server is no more' },
    {
      most: free.ofServer - RESERVED_CONNECTIONS,
      reason: `the server has no more connections free, ${RESERVED_CONNECTIONS} kept for others`,
    },
    { most: free.ofRole, reason: 'the CONNECTION LIMIT of the role or the database is no more' },
    { most: connections, reason: 'there were no more connections when the run began' },
    { most: Math.floor(freeBytes / STREAM_BYTES), reason: 'there is no memory for more here' },
  ];
  const least = limits.reduce((a, b) => (b.most < a.most ? b : a));
  return { most: Math.max(1, least.most), reason: least.reason };
}
