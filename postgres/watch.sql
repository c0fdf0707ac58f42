-- Has the server look at all tables every five minutes, by pg_cron. Run by the administrator in the
-- database that pg_cron lives in (postgres), with psql's
--   -v database=warehouse
-- May be run again: a job of the same name is replaced.
CREATE EXTENSION IF NOT EXISTS pg_cron;

SELECT cron.schedule_in_database('bq_to_postgres: check tables', '*/5 * * * *',
                                 'SELECT check_tables()', :'database');

-- pg_cron keeps a row for each time it ran.
SELECT cron.schedule('bq_to_postgres: forget old checks', '17 3 * * *',
                     $$DELETE FROM cron.job_run_details WHERE end_time < now() - interval '7 days'$$);
