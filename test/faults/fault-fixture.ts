import { expect } from 'bun:test';
import {
  BUCKET,
  type Flags,
  openWorld,
  type Running,
  SCHEMA,
  type World,
} from '../scenarios/fixture.ts';
import type { TestServer } from '../server/server.ts';
import { startProxy, type TcpProxy } from './proxy.ts';

/** A world with a proxy before Postgres, and a source that can be compared with the target. */
export interface Scene extends AsyncDisposable {
  readonly world: World;
  readonly proxy: TcpProxy;
  /** Adds so many rows to the source, newer than all before, in one statement. */
  addRows(count: number): Promise<void>;
  /** Starts a run through the proxy. */
  start(flags?: Flags): Running;
  /** The status of the last run in the ledger; undefined before the first. */
  status(): Promise<string | undefined>;
  /** Starts a run, and waits until its export is under way; it goes on for half a minute, or `seconds`. */
  startLongExport(seconds?: number): Promise<Running>;
  /** Waits until `truth` holds. */
  until(truth: () => Promise<boolean> | boolean): Promise<void>;
  /** Runs once more, without faults, and expects that all is as if nothing had ever failed. */
  recover(): Promise<string>;
  /** Expects the target to be the source, the watermark its newest row, and nothing left behind. */
  expectRight(): Promise<void>;
}

const SOURCE_ROWS = 4000;

export async function openScene(
  rows = SOURCE_ROWS,
  onServer?: () => Promise<Pick<TestServer, 'createDatabase'>>,
): Promise<Scene> {
  const world = await openWorld(SCHEMA, {}, onServer);
  const { google, database } = world;
  google.settings.exportShards = 4;
  const port = Number(new URL(database.uri).port);
  const proxy = await startProxy(port);
  const table = google.tableName('source', 'rows');
  let last = 0;

  async function addRows(count: number): Promise<void> {
    await google.duckdb(`INSERT INTO ${table} SELECT i, 'row ' || i || repeat('.', (i % 50)::int),
      TIMESTAMPTZ '2024-01-01 00:00:00+00' + INTERVAL (i) SECOND
      FROM range(${last + 1}, ${last + count + 1}) AS r(i)`);
    last += count;
  }

  async function status(): Promise<string | undefined> {
    const there = await database.sql`SELECT to_regclass('sync_runs') AS runs`;
    if (there[0]?.['runs'] == null) return undefined;
    const [row] = await database.sql`SELECT status FROM sync_runs ORDER BY started_at DESC LIMIT 1`;
    return row?.['status'];
  }

  async function expectRight(): Promise<void> {
    const { sql } = database;
    const source = await google.duckdb(`SELECT id::VARCHAR AS id, name,
      epoch_us(max_ingested_at)::VARCHAR AS at FROM ${table}`);
    const rows = `SELECT id::bigint, name, at::bigint FROM
      jsonb_to_recordset($1::text::jsonb) AS s(id text, name text, at text)`;
    const loaded = `SELECT id, name, (extract(epoch FROM max_ingested_at) * 1000000)::bigint FROM target`;
    const differences = await sql.unsafe(
      `((${rows}) EXCEPT ALL (${loaded})) UNION ALL ((${loaded}) EXCEPT ALL (${rows})) LIMIT 5`,
      [JSON.stringify(source)],
    );
    expect([...differences]).toEqual([]);
    const [state] = await sql`SELECT last_synced_at AS at,
      (SELECT max(max_ingested_at) AT TIME ZONE 'UTC' FROM target) AS newest FROM sync_state`;
    expect(state?.['at']).toBe(state?.['newest']);
    expect(await leftovers(world)).toEqual({
      tables: ['sync_runs', 'sync_splits', 'sync_state', 'target'],
      splits: '0',
      unfinished: '0',
      connections: '0',
      objects: [],
      jobs: [],
      files: [],
    });
  }

  const start = (flags: Flags = {}) =>
    world.start({ 'pg-conn': proxy.through(database.uri), ...flags });

  async function until(truth: () => Promise<boolean> | boolean): Promise<void> {
    while (!(await truth())) await Bun.sleep(10);
  }

  /** The query for what is new comes before, and must not take as long. */
  async function startLongExport(seconds = 30): Promise<Running> {
    google.fail({ method: 'POST', body: /EXPORT DATA/, kind: 'delay', ms: 500 });
    const run = start();
    await until(async () => (await status()) === 'exporting');
    google.settings.jobSeconds = seconds;
    const running = () =>
      google.jobs().some(({ kind, state }) => kind === 'EXPORT_DATA' && state === 'RUNNING');
    await until(running);
    return run;
  }

  await addRows(rows);
  return {
    world,
    proxy,
    addRows,
    status,
    expectRight,
    start,
    startLongExport,
    until,
    async recover() {
      google.heal();
      google.settings.jobSeconds = 0;
      const { exitCode, text } = await world.run({ 'pg-conn': database.uri });
      expect({ exitCode, text }).toEqual({ exitCode: 0, text });
      await expectRight();
      return text;
    },
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await world[Symbol.asyncDispose]();
    },
  };
}

/** All that runs could leave behind, counted. */
async function leftovers({ database, google, temporaryFiles }: World) {
  const { sql } = database;
  // A backend ends a moment after its client.
  for (let tries = 0; tries < 200 && (await connections(sql)) !== '0'; tries += 1) {
    await Bun.sleep(20);
  }
  const tables = await sql`SELECT relname::text AS name FROM pg_class
    WHERE relkind = 'r' AND relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema')
    ORDER BY 1`;
  const [counts] = await sql`SELECT (SELECT count(*) FROM sync_splits) AS splits,
    (SELECT count(*) FROM sync_runs WHERE NOT cleaned
     OR status IN ('exporting', 'loading', 'committed')) AS unfinished`;
  return {
    tables: tables.map((row) => row['name']),
    splits: counts?.['splits'],
    unfinished: counts?.['unfinished'],
    connections: await connections(sql),
    objects: google.objects(BUCKET).map(({ name }) => name),
    jobs: google.jobs().filter(({ state }) => state !== 'DONE'),
    files: temporaryFiles(),
  };
}

async function connections(sql: World['database']['sql']): Promise<string> {
  const [row] = await sql`SELECT count(*) AS n FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'bq_to_postgres%'`;
  return row?.['n'];
}

/** EXPORT DATA jobs that BigQuery was asked for. */
export function exportJobs({ google }: World): number {
  return google.jobs().filter(({ kind }) => kind === 'EXPORT_DATA').length;
}
