-- Has tables loaded anew again and again, for their deletions and late rows: every night the watermarks
-- of a few are taken away, and the next run of each, wherever it runs, is a full load. Run by the
-- administrator as watch.sql is, with psql's
--   -v database=warehouse -v tables='%' -v every='7 days' -v at_most=50
-- tables is a pattern of LIKE; at_most bounds the full loads of a night. May be run again.
SELECT cron.schedule_in_database('bq_to_postgres: full loads of ' || :'tables', '17 1 * * *',
                                 format('SELECT refresh_tables(%L, %L, %L)', :'tables', :'every', :'at_most'),
                                 :'database');
