-- The tables as the first builds made them (those had a column high as well, which nothing reads). Runs as it is in psql, with the schema first in search_path.
CREATE TABLE IF NOT EXISTS sync_state (
    table_name text NOT NULL PRIMARY KEY,
    last_synced_at timestamp without time zone
);

CREATE TABLE IF NOT EXISTS sync_runs (
    run_id text NOT NULL PRIMARY KEY,
    table_name text NOT NULL,
    target text NOT NULL,
    source text NOT NULL,
    mode text,
    low timestamp without time zone,
    status text NOT NULL,
    rows bigint,
    bytes bigint,
    host text NOT NULL,
    pid integer NOT NULL,
    started_at timestamp with time zone NOT NULL DEFAULT now(),
    finished_at timestamp with time zone,
    timings jsonb,
    watermark timestamp without time zone,
    location text NOT NULL,
    object_prefix text,
    job_id text,
    exported_rows bigint,
    staging text,
    plan text,
    cleaned boolean NOT NULL DEFAULT false,
    error text
);

CREATE TABLE IF NOT EXISTS sync_splits (
    object_prefix text NOT NULL,
    split text NOT NULL,
    checksum jsonb NOT NULL,
    watermark timestamp without time zone,
    PRIMARY KEY (object_prefix, split)
);

COMMENT ON TABLE sync_state IS 'bq_to_postgres: the watermark of each table, UTC';
COMMENT ON TABLE sync_splits IS 'bq_to_postgres: the splits that full loads under way have committed';
