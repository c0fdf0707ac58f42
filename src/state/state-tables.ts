import { ProjectorError } from '../errors.ts';
import type { Session } from '../postgres/pool.ts';
import { quoteIdentifier, quoteLiteral, quoteTable, type TableName } from '../postgres/quoting.ts';

/** The program's own tables, all in one schema: where `sync_state` is found, or else is made. */
export interface StateTables {
  readonly state: TableName;
  readonly runs: TableName;
  readonly splits: TableName;
}

/** Their names: no target can have one of them. */
export const STATE_TABLE_NAMES = ['sync_state', 'sync_runs', 'sync_splits'] as const;

/** The tables in `schema`. */
export function stateTables(schema: string): StateTables {
  return {
    state: { schema, name: 'sync_state' },
    runs: { schema, name: 'sync_runs' },
    splits: { schema, name: 'sync_splits' },
  };
}

const definitions = (tables: StateTables): string => `
  CREATE TABLE IF NOT EXISTS ${quoteTable(tables.state)} (
    table_name text NOT NULL PRIMARY KEY,
    last_synced_at timestamp without time zone
  );
  CREATE TABLE IF NOT EXISTS ${quoteTable(tables.runs)} (
    run_id text NOT NULL PRIMARY KEY,
    table_name text NOT NULL,
    target text NOT NULL,
    source text NOT NULL,
    mode text NOT NULL,
    low timestamp without time zone,
    high timestamp without time zone,
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
  CREATE INDEX IF NOT EXISTS sync_runs_unfinished ON ${quoteTable(tables.runs)} (target)
    WHERE status IN ('exporting', 'loading', 'committed') OR NOT cleaned;
  CREATE TABLE IF NOT EXISTS ${quoteTable(tables.splits)} (
    object_prefix text NOT NULL,
    split text NOT NULL,
    checksum jsonb NOT NULL,
    watermark timestamp without time zone,
    PRIMARY KEY (object_prefix, split)
  );
  COMMENT ON TABLE ${quoteTable(tables.state)} IS 'bq_to_postgres: the watermark of each table, UTC';
  COMMENT ON TABLE ${quoteTable(tables.runs)} IS 'bq_to_postgres: the ledger, one row a run';
  COMMENT ON TABLE ${quoteTable(tables.splits)} IS 'bq_to_postgres: what full loads under way have committed';`;

/** Any number; it keeps two first runs from making the same tables at once. */
const CREATION_LOCK = 7_305_808_869_229_538_155n;

/** Makes the tables that are missing. Two runs at once do not fail on each other. */
export async function createStateTables(sql: Session, tables: StateTables): Promise<void> {
  await sql.unsafe(`BEGIN; SELECT pg_advisory_xact_lock(${CREATION_LOCK}); SET LOCAL client_min_messages = warning;
    ${definitions(tables)}; COMMIT`);
}

const EXPECTED_STATE = 'table_name text not null key, last_synced_at timestamp without time zone';

/** The query for what a `sync_state` looks like, as one text; NULL if there is none of that name. */
export function stateShape(table: string): string {
  const relation = `to_regclass(${quoteLiteral(table)})`;
  return `SELECT coalesce(string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
        || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
        || CASE WHEN k.conkey = ARRAY[a.attnum] THEN ' key' ELSE '' END, ', ' ORDER BY a.attnum), '')
    FROM pg_attribute a
    LEFT JOIN pg_constraint k ON k.conrelid = a.attrelid AND k.contype = 'p'
    WHERE a.attrelid = ${relation} AND a.attnum > 0 AND NOT a.attisdropped
    HAVING ${relation} IS NOT NULL`;
}

/** Throws BAD_SYNC_STATE where a `sync_state` is there that is not this program's. */
export function checkStateShape(tables: StateTables, shape: string | undefined): void {
  if (shape === EXPECTED_STATE || shape === undefined) return;
  throw new ProjectorError({
    code: 'BAD_SYNC_STATE',
    message: `table ${quoteTable(tables.state)} is not this program's: it has (${shape}), and (${EXPECTED_STATE}) is needed`,
    hint: `Rename it, and run again: ALTER TABLE ${quoteTable(tables.state)} RENAME TO ${quoteIdentifier('sync_state_old')};`,
  });
}
