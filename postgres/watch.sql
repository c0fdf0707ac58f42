-- Has the server look for stale tables every five minutes, by pg_cron. Run by the administrator in
-- the database that pg_cron lives in (postgres), with psql's
--   -v database=warehouse -v behind='2 hours'
-- May be run again: a job of the same name is replaced.
CREATE EXTENSION IF NOT EXISTS pg_cron;

SELECT cron.schedule_in_database('bq_to_postgres: stale tables', '*/5 * * * *',
                                 format('SELECT warn_if_stale(%L)', :'behind'), :'database');

-- pg_cron keeps a row for each time it ran.
SELECT cron.schedule('bq_to_postgres: forget old checks', '17 3 * * *',
                     $$DELETE FROM cron.job_run_details WHERE end_time < now() - interval '7 days'$$);
