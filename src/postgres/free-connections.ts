import type postgres from 'postgres';

/** Connections that may still be opened, the caller's own session counted as used. */
export interface FreeConnections {
  /** Of the server, for all its users together. */
  readonly ofServer: number;
  /** Within the CONNECTION LIMIT of the role and that of the database. */
  readonly ofRole: number;
}

/** Says that there is no CONNECTION LIMIT. */
const UNLIMITED = 2 ** 31 - 1;

/**
 * Every role sees how many backends a database has (pg_stat_database), but not which of other roles'
 * backends are clients (pg_stat_activity): a few too many are counted, never too few. A role sees its
 * own sessions. Superusers have no limit of their own.
 */
const FREE = `
  SELECT current_setting('max_connections')::int
      - current_setting('superuser_reserved_connections')::int
      - coalesce(current_setting('reserved_connections', true), '0')::int
      - (SELECT sum(numbackends) FROM pg_stat_database)::int AS of_server,
    least(
      (SELECT CASE WHEN rolsuper OR rolconnlimit < 0 THEN ${UNLIMITED} ELSE rolconnlimit
         - (SELECT count(*) FROM pg_stat_activity WHERE usesysid = pg_roles.oid)::int END
       FROM pg_roles WHERE rolname = session_user),
      (SELECT CASE WHEN datconnlimit < 0 OR (SELECT rolsuper FROM pg_roles WHERE rolname = session_user)
         THEN ${UNLIMITED} ELSE datconnlimit
         - (SELECT numbackends FROM pg_stat_database WHERE datid = pg_database.oid) END
       FROM pg_database WHERE datname = current_database())
    ) AS of_role`;

/** Counts the connections that are free now. */
export async function readFreeConnections(
  sql: postgres.Sql | postgres.ReservedSql,
): Promise<FreeConnections> {
  const [row] = await sql.unsafe<{ of_server: number; of_role: number }[]>(FREE);
  return { ofServer: row?.of_server ?? 0, ofRole: row?.of_role ?? 0 };
}
