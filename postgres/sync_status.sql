-- Views for people and dashboards over the program's own tables, what is too late by table, the check
-- that the alerts are about, and full loads that need no hands. Run by the program's own database user,
-- in its database, once the first run has made the tables; may be run again. Readers need SELECT on the
-- views only.

-- What is too late. A table has the limits of the longest pattern (of LIKE) that its name matches;
-- NULL: never too late.
CREATE TABLE IF NOT EXISTS sync_limits (
    tables text NOT NULL PRIMARY KEY,
    no_success interval,
    no_new_rows interval,
    increment interval,
    full_load interval
);
COMMENT ON TABLE sync_limits IS
    'bq_to_postgres: how long a table may go without a run that succeeds and without new rows, and a run may last';
INSERT INTO sync_limits VALUES ('%', '1 hour', '1 day', '1 hour', '1 day') ON CONFLICT DO NOTHING;

-- For days with news.
CREATE INDEX IF NOT EXISTS sync_runs_by_day ON sync_runs (((started_at AT TIME ZONE 'UTC')::date))
    WHERE rows > 0 OR status <> 'applied' OR bytes_billed > 0;

-- How every table stands. behind: the age of the newest row that arrived. problems: what is too late.
CREATE OR REPLACE VIEW sync_status AS
WITH RECURSIVE ledger AS (
    -- One probe of the index for each name, not one row for each run.
    SELECT min(table_name) AS table_name FROM sync_runs
    UNION ALL
    SELECT (SELECT min(table_name) FROM sync_runs AS next WHERE next.table_name > ledger.table_name)
    FROM ledger WHERE ledger.table_name IS NOT NULL
), leftover AS (
    SELECT table_name, count(*) AS leftovers
    FROM sync_runs
    WHERE (status IN ('exporting', 'loading', 'committed') OR NOT cleaned)
          AND started_at < now() - interval '1 day'
    GROUP BY table_name
)
SELECT table_name,
       state.last_synced_at,
       date_trunc('second', (now() AT TIME ZONE 'UTC') - state.last_synced_at) AS behind,
       success.finished_at AS last_success_at,
       last.mode AS last_mode,
       last.status AS last_status,
       last.started_at AS last_started_at,
       last.finished_at AS last_finished_at,
       last.rows AS last_rows,
       last.error AS last_error,
       leftover.leftovers,
       array_remove(ARRAY[
           CASE WHEN now() - coalesce(success.finished_at, first.started_at) > limits.no_success
                     AND (running.full_load AND running.lasts <= limits.full_load) IS NOT TRUE
                THEN 'no_success' END,
           CASE WHEN now() AT TIME ZONE 'UTC' - state.last_synced_at > limits.no_new_rows
                     AND now() - success.finished_at <= limits.no_success
                THEN 'no_new_rows' END,
           CASE WHEN running.lasts > CASE WHEN running.full_load THEN limits.full_load
                                          ELSE limits.increment END
                THEN 'slow' END,
           CASE WHEN leftover.leftovers > 0 THEN 'leftovers' END
       ], NULL) AS problems
FROM (SELECT table_name FROM ledger WHERE table_name IS NOT NULL
      UNION SELECT table_name FROM sync_state) AS known
LEFT JOIN sync_state AS state USING (table_name)
LEFT JOIN LATERAL (SELECT * FROM sync_runs AS run WHERE run.table_name = known.table_name
                   ORDER BY run.started_at DESC LIMIT 1) AS last USING (table_name)
LEFT JOIN LATERAL (SELECT run.finished_at FROM sync_runs AS run
                   WHERE run.table_name = known.table_name AND run.status = 'applied'
                   ORDER BY run.started_at DESC LIMIT 1) AS success ON true
LEFT JOIN LATERAL (SELECT run.started_at FROM sync_runs AS run
                   WHERE run.table_name = known.table_name
                   ORDER BY run.started_at LIMIT 1) AS first ON true
LEFT JOIN LATERAL (SELECT last.mode IS DISTINCT FROM 'incremental' AS full_load,
                          now() - last.started_at AS lasts
                   WHERE last.status IN ('started', 'exporting', 'loading', 'committed')) AS running ON true
LEFT JOIN leftover USING (table_name)
LEFT JOIN LATERAL (SELECT * FROM sync_limits WHERE known.table_name LIKE tables
                   ORDER BY length(tables) DESC LIMIT 1) AS limits ON true;

COMMENT ON VIEW sync_status IS
    'bq_to_postgres: one row per table; behind is the age of its newest row, problems what is too late';

-- What every day brought and cost, in days of UTC. Runs that found nothing new for nothing are not counted.
CREATE OR REPLACE VIEW sync_daily AS
SELECT (started_at AT TIME ZONE 'UTC')::date AS day,
       table_name,
       count(*) AS runs,
       count(*) FILTER (WHERE status IN ('failed', 'died')) AS failed,
       coalesce(sum(rows) FILTER (WHERE status = 'applied'), 0) AS rows,
       coalesce(sum(bytes) FILTER (WHERE status = 'applied'), 0) AS bytes,
       date_trunc('second', sum(finished_at - started_at)) AS spent,
       coalesce(sum(bytes_billed), 0) AS bytes_billed,
       coalesce(sum(slot_ms), 0) AS slot_ms
FROM sync_runs
WHERE rows > 0 OR status <> 'applied' OR bytes_billed > 0
GROUP BY 1, 2;

COMMENT ON VIEW sync_daily IS
    'bq_to_postgres: runs, rows, bytes, time and what BigQuery billed by day and table';

-- How long each phase of each of these runs took.
CREATE OR REPLACE VIEW sync_phases AS
SELECT (started_at AT TIME ZONE 'UTC')::date AS day,
       started_at,
       table_name,
       mode,
       phase.key AS phase,
       phase.value::float8 AS seconds
FROM sync_runs, jsonb_each_text(timings) AS phase
WHERE rows > 0 OR status <> 'applied' OR bytes_billed > 0;

COMMENT ON VIEW sync_phases IS 'bq_to_postgres: seconds of each phase of the runs that moved rows';

-- Looks at the tables LIKE tables, and answers how many problems there are. Each is a WARNING in the
-- server's log, and the age of each table's newest row a LOG, in seconds: metrics are made of both.
-- Whoever calls it needs no right to the tables.
CREATE OR REPLACE FUNCTION check_tables(tables text DEFAULT '%')
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    found record;
    problem text;
    problems_found bigint := 0;
BEGIN
    FOR found IN SELECT * FROM sync_status WHERE table_name LIKE tables LOOP
        IF found.behind IS NOT NULL THEN
            RAISE LOG 'bq_to_postgres behind % s: %', extract(epoch FROM found.behind)::bigint, found.table_name;
        END IF;
        FOREACH problem IN ARRAY found.problems LOOP
            problems_found := problems_found + 1;
            RAISE WARNING 'bq_to_postgres %: %', problem, found.table_name
                USING DETAIL = format('last success %s, newest row %s behind, last run %s since %s, %s leftovers',
                                      coalesce(found.last_success_at::text, 'never'), found.behind,
                                      found.last_status, found.last_started_at, coalesce(found.leftovers, 0));
        END LOOP;
    END LOOP;
    RETURN problems_found;
END
$$;

COMMENT ON FUNCTION check_tables IS
    'bq_to_postgres: logs the age of the newest row and each problem of the tables LIKE tables';

-- Takes away the watermarks of tables whose last full load began longer ago than `every`, the oldest
-- first and `at_most` of them: their next runs are full loads, which bring deletions and late rows.
CREATE OR REPLACE FUNCTION refresh_tables(tables text, every interval, at_most bigint)
RETURNS SETOF text LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
    UPDATE sync_state SET last_synced_at = NULL
    WHERE table_name IN (
        SELECT state.table_name
        FROM sync_state AS state
        LEFT JOIN LATERAL (SELECT run.started_at FROM sync_runs AS run
                           WHERE run.table_name = state.table_name AND run.mode = 'full'
                                 AND run.status = 'applied'
                           ORDER BY run.started_at DESC LIMIT 1) AS loaded ON true
        WHERE state.table_name LIKE tables AND state.last_synced_at IS NOT NULL
              AND coalesce(loaded.started_at < now() - every, true)
        ORDER BY loaded.started_at NULLS FIRST
        LIMIT at_most)
    RETURNING table_name
$$;

COMMENT ON FUNCTION refresh_tables IS
    'bq_to_postgres: has the tables LIKE tables loaded anew whose last full load is older than every';
-- A full load costs money: not for everybody.
REVOKE EXECUTE ON FUNCTION refresh_tables FROM PUBLIC;
