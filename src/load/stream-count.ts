import type postgres from 'postgres';

/** How many connections a full load may use, and why not more. */
export interface StreamLimit {
  readonly most: number;
  readonly reason: string;
}

/** More have never paid off: by then the server's disk or WAL is what is waited for. */
const MOST_STREAMS = 8;

/** Connections of the server that are left to its other users. */
const RESERVED_CONNECTIONS = 5;

/** Two chunks, a split's read-ahead and a block: what one stream holds at most in usual data. */
const STREAM_BYTES = 48 * 1024 * 1024;

interface ServerSigns {
  readonly parallel_workers: number;
  readonly free_connections: number;
}

/**
 * A PostgreSQL server does not tell its CPUs. What it shows are the parallel workers that it was
 * configured for, which Cloud SQL and most tuning guides set to the number of CPUs or more.
 */
const SIGNS = `SELECT current_setting('max_parallel_workers')::int AS parallel_workers,
  current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
    - (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')::int AS free_connections`;

/** The limit of streams by CPUs, free connections (less a reserve) and `freeBytes` of memory. */
export async function limitStreams(
  sql: postgres.Sql | postgres.ReservedSql,
  freeBytes: number,
): Promise<StreamLimit> {
  const [signs] = await sql.unsafe<ServerSigns[]>(SIGNS);
  const limits: StreamLimit[] = [
    { most: MOST_STREAMS, reason: 'more are of no use to any server' },
    { most: signs?.parallel_workers ?? 2, reason: 'max_parallel_workers of the server is no more' },
    {
      most: (signs?.free_connections ?? 2) - RESERVED_CONNECTIONS,
      reason: `the server has no more connections free, ${RESERVED_CONNECTIONS} kept for others`,
    },
    { most: Math.floor(freeBytes / STREAM_BYTES), reason: 'there is no memory for more here' },
  ];
  const least = limits.reduce((a, b) => (b.most < a.most ? b : a));
  return { most: Math.max(1, least.most), reason: least.reason };
}

/** Streams that a load begins with. */
const FIRST_STREAMS = 2;

/** Growth of throughput that a further stream has to bring to be kept. */
const GAIN = 1.1;

export interface StreamControl {
  /** Streams that should be running now. */
  readonly wanted: number;
  /** Why not more. */
  readonly reason: string;
  /** Told the rows loaded so far, with the time in milliseconds; may change `wanted`. */
  observe(rows: number, nowMs: number): void;
}

/** Times of a try, in milliseconds. */
interface Try {
  /** What a stream sends at first fills the buffers on the way, and says nothing of the server. */
  readonly fillingMs: number;
  readonly measuredMs: number;
}

const TRY: Try = { fillingMs: 500, measuredMs: 2500 };

/**
 * Finds the number of streams while the load runs: begins with two, adds one after each try in which
 * throughput grew by more than a tenth, and takes the last one back when it did not in two tries: on a
 * slow line throughput goes up and down by that much.
 */
export function controlStreams(limit: StreamLimit, { fillingMs, measuredMs } = TRY): StreamControl {
  let wanted = Math.min(FIRST_STREAMS, limit.most);
  let settled = wanted === limit.most;
  let reason = settled ? limit.reason : 'it was done before more were tried';
  let best = 0;
  let doubtful = false;
  let changedMs: number | undefined;
  let from: { readonly rows: number; readonly ms: number } | undefined;

  function decide(rate: number): void {
    if (rate > best * GAIN) {
      best = rate;
      doubtful = false;
      settled = wanted === limit.most;
      if (settled) reason = limit.reason;
      else wanted += 1;
    } else if (!doubtful) {
      doubtful = true;
    } else {
      wanted -= 1;
      settled = true;
      reason = 'one more brought less than a tenth';
    }
  }

  return {
    get wanted() {
      return wanted;
    },
    get reason() {
      return reason;
    },
    observe(rows, nowMs) {
      if (settled) return;
      changedMs ??= nowMs;
      if (nowMs < changedMs + fillingMs) return;
      from ??= { rows, ms: nowMs };
      const elapsed = nowMs - from.ms;
      if (elapsed < measuredMs) return;
      decide((rows - from.rows) / elapsed);
      changedMs = nowMs;
      from = undefined;
    },
  };
}
