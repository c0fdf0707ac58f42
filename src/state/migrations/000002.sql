-- What a run needs to prove its plan, to be resumed, to be told from a copy of the database, and to be billed.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_attribute
               WHERE attrelid = 'sync_splits'::regclass AND attname = 'sum' AND NOT attisdropped) THEN
        ALTER TABLE sync_splits RENAME COLUMN sum TO checksum;
    END IF;
END
$$;

ALTER TABLE sync_runs
    ALTER COLUMN mode DROP NOT NULL,
    ADD COLUMN IF NOT EXISTS version text,
    ADD COLUMN IF NOT EXISTS database_id text,
    ADD COLUMN IF NOT EXISTS target_oid oid,
    ADD COLUMN IF NOT EXISTS project text,
    ADD COLUMN IF NOT EXISTS bucket text,
    ADD COLUMN IF NOT EXISTS source_version text,
    ADD COLUMN IF NOT EXISTS exported_at timestamp with time zone,
    ADD COLUMN IF NOT EXISTS primary_key text[],
    ADD COLUMN IF NOT EXISTS rows_left_out bigint,
    ADD COLUMN IF NOT EXISTS rows_before bigint,
    ADD COLUMN IF NOT EXISTS bytes_billed bigint,
    ADD COLUMN IF NOT EXISTS slot_ms bigint;

-- gs://BUCKET/PREFIX becomes the bucket and the prefix, as sync_splits has it.
UPDATE sync_runs
SET bucket = substring(object_prefix FROM '^gs://([^/]+)/'),
    object_prefix = substring(object_prefix FROM '^gs://[^/]+/(.+)$')
WHERE object_prefix LIKE 'gs://%';

DROP INDEX IF EXISTS sync_runs_unfinished;
CREATE INDEX IF NOT EXISTS sync_runs_open ON sync_runs (target)
    WHERE status IN ('started', 'exporting', 'loading', 'committed') OR NOT cleaned;
CREATE INDEX IF NOT EXISTS sync_runs_newest ON sync_runs (target, started_at DESC);
CREATE INDEX IF NOT EXISTS sync_runs_by_name ON sync_runs (table_name, started_at DESC);

COMMENT ON TABLE sync_runs IS 'bq_to_postgres: the ledger, one row per run; state version 2';
