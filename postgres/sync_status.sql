-- Views for people and dashboards over the projector's two tables, and the check that an alert hangs
-- on. Run by the projector's own database user, in its database, once the first run has made
-- sync_state and sync_runs; may be run again. Readers need SELECT on the views only.

-- How every table stands. behind: the age of the newest row that arrived.
CREATE OR REPLACE VIEW sync_status AS
SELECT coalesce(state.table_name, last.table_name) AS table_name,
       state.last_synced_at,
       date_trunc('second', (now() AT TIME ZONE 'UTC')
                            - coalesce(state.last_synced_at, first.started_at)) AS behind,
       last.status AS last_status,
       last.started_at AS last_started_at,
       last.finished_at AS last_finished_at,
       last.rows AS last_rows,
       last.error AS last_error
FROM sync_state AS state
FULL JOIN (SELECT DISTINCT ON (table_name) *
           FROM sync_runs
           ORDER BY table_name, started_at DESC) AS last USING (table_name)
LEFT JOIN (SELECT table_name, min(started_at) AT TIME ZONE 'UTC' AS started_at
           FROM sync_runs
           GROUP BY table_name) AS first USING (table_name);

COMMENT ON VIEW sync_status IS
    'bq_to_postgres: one row a table; behind is the age of its newest row, or of its first run';

-- What every day brought. Days are UTC.
CREATE OR REPLACE VIEW sync_daily AS
SELECT (started_at AT TIME ZONE 'UTC')::date AS day,
       table_name,
       count(*) AS runs,
       count(*) FILTER (WHERE status IN ('failed', 'interrupted', 'died')) AS failed,
       coalesce(sum(rows) FILTER (WHERE status = 'applied'), 0) AS rows,
       coalesce(sum(bytes) FILTER (WHERE status = 'applied'), 0) AS bytes,
       date_trunc('second', sum(finished_at - started_at)) AS spent
FROM sync_runs
GROUP BY 1, 2;

COMMENT ON VIEW sync_daily IS 'bq_to_postgres: runs, rows and time by day and table';

-- One WARNING in the server's log for each stale table. Whoever calls it needs no right to the tables.
CREATE OR REPLACE FUNCTION warn_if_stale(max_behind interval, tables text DEFAULT '%')
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    stale record;
    found_stale bigint := 0;
BEGIN
    FOR stale IN
        SELECT * FROM sync_status WHERE behind > max_behind AND table_name LIKE tables
    LOOP
        found_stale := found_stale + 1;
        RAISE WARNING 'bq_to_postgres stale: % is % behind, its last run is %',
            stale.table_name, stale.behind, coalesce(stale.last_status, 'unknown');
    END LOOP;
    RETURN found_stale;
END
$$;

COMMENT ON FUNCTION warn_if_stale IS
    'bq_to_postgres: logs a WARNING for each table LIKE tables that is more than max_behind behind';
