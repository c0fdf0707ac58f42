-- By which a run tells a watermark that a run has set from one that somebody has written.
ALTER TABLE sync_runs ADD COLUMN IF NOT EXISTS state_version text;

COMMENT ON TABLE sync_runs IS 'bq_to_postgres: the ledger, one row per run; state version 3';
