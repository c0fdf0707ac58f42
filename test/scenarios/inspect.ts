import type { RecordedRequest } from '../gcp/google.ts';
import { BUCKET, type World } from './fixture.ts';

/** The rows of a table as text, in order of their text. */
export async function rowsOf({ database }: World, table = 'target'): Promise<string[]> {
  const rows = await database.sql.unsafe<{ row: string }[]>(
    `SELECT t::text AS row FROM ${table} t ORDER BY 1`,
  );
  return rows.map(({ row }) => row);
}

/** `sync_state`, one text a row. */
export function watermarks(world: World): Promise<string[]> {
  return rowsOf(world, 'sync_state');
}

/** The ledger, oldest run first. */
export async function ledger({ database }: World): Promise<Record<string, unknown>[]> {
  const rows = await database.sql.unsafe<{ run: string }[]>(
    'SELECT to_jsonb(r)::text AS run FROM sync_runs r ORDER BY started_at',
  );
  return rows.map(({ run }) => JSON.parse(run));
}

/** What a run must not leave behind; waits a moment for the server to let connections go. */
export async function leftovers(world: World): Promise<unknown> {
  const { google, database } = world;
  const [tables, splits] = await Promise.all([
    database.sql`SELECT relname FROM pg_class WHERE relname LIKE '%staging%' AND relkind = 'r'`,
    database.sql.unsafe('SELECT * FROM sync_splits').catch(() => []),
  ]);
  return {
    objects: google.objects(BUCKET),
    runningJobs: google.jobs().filter(({ state }) => state !== 'DONE'),
    tables: [...tables],
    splits: [...splits],
    connections: await connections(world),
  };
}

export const NOTHING_LEFT = {
  objects: [],
  runningJobs: [],
  tables: [],
  splits: [],
  connections: [],
};

/** Sessions of the program, and locks that outlive it; up to 5 s pass before they count. */
async function connections({ database }: World): Promise<unknown[]> {
  for (let tries = 0; ; tries += 1) {
    const found = await database.sql`
      SELECT application_name, state, query FROM pg_stat_activity
      WHERE datname = current_database() AND application_name LIKE 'bq_to_postgres%'`;
    if (found.length === 0 || tries === 50) return [...found];
    await Bun.sleep(100);
  }
}

/**
 * All that a run that fails must leave alone: every table with its columns and rows, the bucket. An
 * empty sync_state is as good as none.
 */
export async function everything({ google, database }: World): Promise<unknown> {
  const tables = await database.sql`
    SELECT c.oid::regclass::text AS name, c.oid::int AS oid,
      (SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum)
       FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) AS columns
    FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE relkind IN ('r', 'p', 'v', 'm') AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
      AND relname NOT IN ('sync_runs', 'sync_splits')
    ORDER BY 1`;
  const contents = await Promise.all(
    tables.map(async ({ name }) =>
      [...(await database.sql.unsafe(`SELECT t::text FROM ${name} t ORDER BY 1`).values())].flat(),
    ),
  );
  return {
    tables: tables
      .map((table, i) => ({ ...table, name: String(table['name']), rows: contents[i] ?? [] }))
      .filter(({ name, rows }) => name !== 'sync_state' || rows.length > 0),
    objects: google.objects(BUCKET),
  };
}

/** The EXPORT DATA jobs so far. */
export function exportJobs({ google }: World) {
  return google.jobs().filter(({ query }) => query.startsWith('EXPORT DATA'));
}

/** Whether the request asks for an EXPORT DATA job. */
export function asksForExport({ body }: RecordedRequest): boolean {
  return JSON.stringify(body ?? '').includes('EXPORT DATA');
}

/** Makes the exports of the next run, and nothing else of it, take so long. */
export function slowExports({ google }: World, seconds = 60): void {
  const before = google.requests.length;
  const exporting = () => google.requests.slice(before).some(asksForExport);
  Object.defineProperty(google.settings, 'jobSeconds', {
    configurable: true,
    get: () => (exporting() ? seconds : 0),
  });
}

/** Waits for the newest export job to run. */
export async function untilExporting(world: World): Promise<void> {
  while (exportJobs(world).at(-1)?.state !== 'RUNNING') await Bun.sleep(10);
}
