import { describe, expect, test } from 'bun:test';
import { startProxy } from '../faults/proxy.ts';
import { openWorld, SCHEMA, type World } from './fixture.ts';
import {
  exportJobs,
  ledger,
  leftovers,
  NOTHING_LEFT,
  rowsOf,
  slowExports,
  untilExporting,
  watermarks,
} from './inspect.ts';

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/;

/** Adds rows to the source: `(1, 'one', TIMESTAMP '2024-01-01 00:00:00+00')`. */
const insert = ({ google }: World, rows: string) =>
  google.sql(`INSERT INTO source.rows VALUES ${rows}`);

const THREE = `(1, 'one', TIMESTAMP '2024-01-01 00:00:00.000001+00'), (2, '', NULL),
  (3, NULL, TIMESTAMP '2023-01-01 00:00:00+00')`;
const THREE_ROWS = [
  '(1,one,"2024-01-01 00:00:00.000001+00")',
  '(2,"",)',
  '(3,,"2023-01-01 00:00:00+00")',
];

/** Runs, and sees to it that it went well and left nothing. */
async function runWell(world: World, ...given: Parameters<World['run']>) {
  const outcome = await world.run(...given);
  expect(outcome.text).not.toContain('"ERROR"');
  expect(outcome.exitCode).toBe(0);
  expect(await leftovers(world)).toEqual(NOTHING_LEFT);
  const summary = outcome.lines.at(-1);
  return { ...outcome, summary: summary as NonNullable<typeof summary> };
}

test('a first run loads all rows, a second finds nothing new, a third adds what arrived', async () => {
  await using world = await openWorld();
  await insert(world, THREE);

  const first = await runWell(world);
  expect(first.summary).toMatchObject({
    severity: 'INFO',
    mode: 'full',
    rows: 3,
    watermark: '2024-01-01 00:00:00.000001',
  });
  expect(await rowsOf(world)).toEqual(THREE_ROWS);
  expect(await watermarks(world)).toEqual(['(target,"2024-01-01 00:00:00.000001")']);

  const second = await runWell(world);
  expect(second.summary).toMatchObject({ mode: 'nothing new', rows: 0 });
  expect(second.summary.message).toBe(
    'Nothing new in source.rows since 2024-01-01 00:00:00.000001: public.target is up to date',
  );
  expect(exportJobs(world)).toHaveLength(1);

  await insert(
    world,
    `(4, 'four', TIMESTAMP '2024-01-01 00:00:00.000002+00'), (5, 'late', TIMESTAMP '2024-01-01 00:00:00.000001+00')`,
  );
  const third = await runWell(world);
  expect(third.summary).toMatchObject({
    mode: 'incremental',
    rows: 1,
    since: '2024-01-01 00:00:00.000001',
  });
  expect(await rowsOf(world)).toEqual([...THREE_ROWS, '(4,four,"2024-01-01 00:00:00.000002+00")']);
  expect(await watermarks(world)).toEqual(['(target,"2024-01-01 00:00:00.000002")']);
});

test('the ledger has a row a run, with what it moved and how long each phase took', async () => {
  await using world = await openWorld();
  await insert(world, THREE);
  await runWell(world);
  await insert(world, `(4, 'four', TIMESTAMP '2024-02-01 00:00:00+00')`);
  await runWell(world);
  const [first, second] = await ledger(world);
  expect(first).toMatchObject({
    table_name: 'target',
    target: 'public.target',
    source: 'test-project.source.rows',
    version: '1.0.0',
    mode: 'full',
    low: null,
    status: 'applied',
    rows: 3,
    exported_rows: 3,
    watermark: '2024-01-01T00:00:00.000001',
    location: 'US',
    error: null,
    started_at: expect.stringMatching(INSTANT),
    finished_at: expect.stringMatching(INSTANT),
    timings: { export: expect.any(Number), load: expect.any(Number), swap: expect.any(Number) },
  });
  expect(second).toMatchObject({
    mode: 'incremental',
    low: '2024-01-01T00:00:00.000001',
    status: 'applied',
    rows: 1,
    bytes: expect.any(Number),
    timings: { export: expect.any(Number), load: expect.any(Number) },
  });
  expect(first).toMatchObject({ bucket: 'test-bucket', project: 'test-project' });
  expect(String(first?.['object_prefix'])).toBe(`bq_to_postgres/${first?.['run_id']}/`);
});

test('a run with nothing new asks six things of Google, and nothing of Cloud Storage', async () => {
  await using world = await openWorld();
  await insert(world, THREE);
  await runWell(world);
  const before = world.google.requests.length;
  await runWell(world);
  const asked = world.google.requests
    .slice(before)
    .map(({ service, method, path }) => `${service} ${method} ${path.replace(/\?.*/, '')}`)
    .map((text) => text.replace(/bq_to_postgres_[-\w]+/, 'JOB'));
  expect(asked.toSorted()).toEqual([
    'bigquery GET /projects/test-project/datasets/source/tables/rows',
    'bigquery GET /projects/test-project/jobs/JOB',
    'bigquery GET /projects/test-project/queries/JOB',
    'bigquery POST /projects/test-project/jobs',
    'metadata GET /computeMetadata/v1/instance/service-accounts/default/token',
    'metadata GET /computeMetadata/v1/project/project-id',
  ]);
  expect(asked.at(-1)).toContain('/jobs/JOB');
});

test('a run with nothing new sends twelve statements to PostgreSQL by one connection', async () => {
  await using world = await openWorld();
  await insert(world, THREE);
  await runWell(world);
  await using proxy = await startProxy(Number(new URL(world.database.uri).port));
  const { exitCode } = await world.run({ 'pg-conn': proxy.through(world.database.uri) });
  expect(exitCode).toBe(0);
  expect(proxy.statements.map((text) => /sync_state|sync_runs|pg_\w+/.exec(text)?.[0])).toEqual([
    'pg_catalog', // where the connection leads to, and its settings
    'pg_stat_database', // how many more connections there may be
    'pg_class', // where target and sync_state are
    'pg_attribute', // what the state tables are
    'pg_try_advisory_lock',
    'sync_runs', // the run's row
    'sync_runs', // that it is its own
    'pg_control_system', // what other runs left, and whether in this database
    'sync_runs', // the watermarks, and what their names meant
    'sync_runs', // what the last runs tell of the target
    'sync_runs', // the end of the row
    'sync_runs', // the rows of runs long ago
  ]);
  expect(proxy.opened).toBe(1);
});

test('an increment of a window whose rows were deleted meanwhile is no increment', async () => {
  await using world = await openWorld();
  await insert(world, THREE);
  await runWell(world);
  await world.google.sql(`DELETE FROM source.rows WHERE true`);
  const { summary } = await runWell(world);
  expect(summary['mode']).toBe('nothing new');
  expect(await rowsOf(world)).toEqual(THREE_ROWS);
});

test('a watermark set back to NULL makes the next run a full load that replaces the rows', async () => {
  await using world = await openWorld();
  await insert(world, THREE);
  await runWell(world);
  await world.google.sql(`DELETE FROM source.rows WHERE id = 3`);
  await world.google.sql(`UPDATE source.rows SET name = 'changed' WHERE id = 1`);
  await world.database.sql`UPDATE sync_state SET last_synced_at = NULL`;
  const { summary } = await runWell(world);
  expect(summary).toMatchObject({ mode: 'full', rows: 2 });
  expect(await rowsOf(world)).toEqual(['(1,changed,"2024-01-01 00:00:00.000001+00")', '(2,"",)']);
  expect(await watermarks(world)).toEqual(['(target,"2024-01-01 00:00:00.000001")']);
});

test('an empty source makes an empty table without a watermark, and the next run is full again', async () => {
  await using world = await openWorld();
  expect((await runWell(world)).summary).toMatchObject({ mode: 'full', rows: 0, watermark: null });
  expect(await rowsOf(world)).toEqual([]);
  expect(await watermarks(world)).toEqual(['(target,)']);
  await insert(world, THREE);
  expect((await runWell(world)).summary).toMatchObject({ mode: 'full', rows: 3 });
  expect(await rowsOf(world)).toEqual(THREE_ROWS);
});

test('rows that all lack max_ingested_at are loaded, in full each time', async () => {
  await using world = await openWorld();
  await insert(world, `(1, 'a', NULL), (2, 'b', NULL)`);
  for (const _time of [1, 2]) {
    expect((await runWell(world)).summary).toMatchObject({
      mode: 'full',
      rows: 2,
      watermark: null,
    });
    expect(await rowsOf(world)).toEqual(['(1,a,)', '(2,b,)']);
    expect(await watermarks(world)).toEqual(['(target,)']);
  }
});

test('rows that arrive without max_ingested_at later come with the next full load only', async () => {
  await using world = await openWorld();
  await insert(world, THREE);
  await runWell(world);
  await insert(world, `(4, 'nameless', NULL)`);
  expect((await runWell(world)).summary['mode']).toBe('nothing new');
  await insert(world, `(5, 'five', TIMESTAMP '2024-05-05 00:00:00+00')`);
  expect((await runWell(world)).summary).toMatchObject({ mode: 'incremental', rows: 1 });
  await world.database.sql`UPDATE sync_state SET last_synced_at = NULL`;
  expect((await runWell(world)).summary).toMatchObject({ mode: 'full', rows: 5 });
});

test('a DATETIME max_ingested_at is taken as UTC, to the microsecond', async () => {
  await using world = await openWorld([
    { name: 'id', type: 'INTEGER' },
    { name: 'MAX_ingested_at', type: 'DATETIME' },
  ]);
  await insert(world, `(1, DATETIME '2024-01-01 00:00:00.123456'), (2, NULL)`);
  await runWell(world, undefined, { TZ: 'Asia/Tokyo', PGTZ: 'America/New_York' });
  expect(await watermarks(world)).toEqual(['(target,"2024-01-01 00:00:00.123456")']);
  await insert(
    world,
    `(3, DATETIME '2024-01-01 00:00:00.123456'), (4, DATETIME '2024-01-01 00:00:00.123457')`,
  );
  await runWell(world, undefined, { TZ: 'Asia/Tokyo', PGTZ: 'America/New_York' });
  expect(await rowsOf(world)).toEqual([
    '(1,"2024-01-01 00:00:00.123456")',
    '(2,)',
    '(4,"2024-01-01 00:00:00.123457")',
  ]);
  expect(await watermarks(world)).toEqual(['(target,"2024-01-01 00:00:00.123457")']);
});

describe('a target that is there', () => {
  test('keeps its columns, their order and types; its own columns get their default', async () => {
    await using world = await openWorld();
    const { database } = world;
    await database.sql.unsafe(`CREATE TABLE target (extra int DEFAULT 7, "NAME" varchar(40), note text,
      max_ingested_at timestamp, id int NOT NULL)`);
    await database.sql`INSERT INTO target (id) VALUES (99)`;
    await insert(world, THREE);
    const { summary } = await runWell(world);
    expect(summary['warnings']).toEqual([
      'column note of the target is not in BigQuery: new rows have NULL there',
    ]);
    expect(await rowsOf(world)).toEqual([
      '(7,"",,,2)',
      '(7,,,"2023-01-01 00:00:00",3)',
      '(7,one,,"2024-01-01 00:00:00.000001",1)',
    ]);
    await insert(world, `(4, 'four', TIMESTAMP '2024-02-01 00:00:00+00')`);
    await runWell(world);
    expect((await rowsOf(world)).at(-2)).toBe('(7,four,,"2024-02-01 00:00:00",4)');
  });

  test('with a max_ingested_at of another type, rows without one included', async () => {
    await using world = await openWorld();
    await world.database.sql`CREATE TABLE target (id bigint, name text, max_ingested_at text)`;
    await insert(world, THREE);
    await runWell(world);
    expect(await rowsOf(world)).toEqual([
      '(1,one,"2024-01-01 00:00:00.000001+00")',
      '(2,"",)',
      '(3,,"2023-01-01 00:00:00+00")',
    ]);
    expect(await watermarks(world)).toEqual(['(target,"2024-01-01 00:00:00.000001")']);
  });

  test('gets the columns that BigQuery has and it lacks', async () => {
    await using world = await openWorld();
    await world.database.sql`CREATE TABLE target (id bigint)`;
    await insert(world, THREE);
    await runWell(world);
    expect(await rowsOf(world)).toEqual(THREE_ROWS);
  });

  test('with a primary key has each key once: the newest row wins, late ones do not', async () => {
    await using world = await openWorld();
    await world.database
      .sql`CREATE TABLE target (id bigint PRIMARY KEY, name text, max_ingested_at timestamptz)`;
    await insert(
      world,
      `(1, 'one', TIMESTAMP '2024-01-01 00:00:00+00'), (2, 'two', TIMESTAMP '2024-01-01 00:00:00+00')`,
    );
    await runWell(world);
    await insert(
      world,
      `(1, 'older', TIMESTAMP '2024-02-01 00:00:00+00'), (1, 'newer', TIMESTAMP '2024-02-02 00:00:00+00'),
       (3, 'three', TIMESTAMP '2024-02-01 00:00:00+00')`,
    );
    expect((await runWell(world)).summary).toMatchObject({
      mode: 'incremental',
      rows: 2,
      rowsLeftOut: 1,
    });
    expect(await rowsOf(world)).toEqual([
      '(1,newer,"2024-02-02 00:00:00+00")',
      '(2,two,"2024-01-01 00:00:00+00")',
      '(3,three,"2024-02-01 00:00:00+00")',
    ]);
  });
});

test('a sync_state made by hand is used as it is', async () => {
  await using world = await openWorld();
  const { sql } = world.database;
  await sql`CREATE TABLE target (id bigint, name text, max_ingested_at timestamptz)`;
  await sql`CREATE TABLE sync_state (table_name text PRIMARY KEY, last_synced_at timestamp)`;
  await sql`INSERT INTO sync_state VALUES ('target', '2023-06-01'), ('other', '2020-01-01')`;
  await insert(world, THREE);
  expect((await runWell(world)).summary).toMatchObject({ mode: 'incremental', rows: 1 });
  expect(await rowsOf(world)).toEqual(THREE_ROWS.slice(0, 1));
  expect(await watermarks(world)).toEqual([
    '(other,"2020-01-01 00:00:00")',
    '(target,"2024-01-01 00:00:00.000001")',
  ]);
});

test('sync_state has exactly the shape that is promised', async () => {
  await using world = await openWorld();
  await runWell(world);
  const columns = await world.database.sql`
    SELECT column_name || ' ' || data_type || ' ' || is_nullable AS line
    FROM information_schema.columns WHERE table_name = 'sync_state' ORDER BY ordinal_position`;
  expect(columns.map(({ line }) => line)).toEqual([
    'table_name text NO',
    'last_synced_at timestamp without time zone YES',
  ]);
});

test('two first runs at once, into two targets of one empty database, both succeed', async () => {
  await using world = await openWorld();
  await insert(world, THREE);
  const outcomes = await Promise.all(
    ['one', 'two', 'three'].map((table) => world.run({ 'pg-table': table })),
  );
  expect(outcomes.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0]);
  for (const table of ['one', 'two', 'three']) {
    expect(await rowsOf(world, table)).toEqual(THREE_ROWS);
  }
  expect(await watermarks(world)).toHaveLength(3);
});

test('a second run on a target that is being loaded exits 3, whatever the spelling', async () => {
  await using world = await openWorld();
  await insert(world, THREE);
  slowExports(world);
  const first = world.start();
  await untilExporting(world);
  const second = await world.run({ 'pg-table': 'public."target"' });
  expect(second.exitCode).toBe(3);
  const [run] = await ledger(world);
  expect(second.lines.at(-1)).toMatchObject({ severity: 'ERROR', code: 'TARGET_BUSY' });
  expect(second.text).toContain(
    `another run holds \\"public\\".\\"target\\": run ${run?.['run_id']}`,
  );
  expect(second.text).toContain(`pid ${first.pid}`);
  first.kill('SIGTERM');
  expect((await first.outcome).exitCode).toBe(143);
  slowExports(world, 0);
  await runWell(world);
  expect(await rowsOf(world)).toEqual(THREE_ROWS);
});

test.each([
  ['Target', 'target'],
  ['"Target"', '"Target"'],
  ['Other.T', 'other.t'],
  ['other."odd "" na.me"', 'other."odd "" na.me"'],
])(
  '--pg-table %s is read as Postgres does, and kept in sync_state as given',
  async (given, table) => {
    await using world = await openWorld();
    await world.database.sql`CREATE SCHEMA other`;
    await insert(world, THREE);
    await runWell(world, { 'pg-table': given });
    expect(await rowsOf(world, table)).toEqual(THREE_ROWS);
    const [state] = await world.database.sql`SELECT table_name FROM sync_state`;
    expect(state?.['table_name']).toBe(given);
  },
);

test('the search_path of the connection decides where the tables are', async () => {
  await using world = await openWorld();
  await world.database.sql`CREATE SCHEMA mart`;
  await insert(world, THREE);
  const connection = `${world.database.uri}?options=-csearch_path%3Dmart`;
  await runWell(world, { 'pg-conn': connection }, undefined);
  expect(await rowsOf(world, 'mart.target')).toEqual(THREE_ROWS);
  expect(await rowsOf(world, 'mart.sync_state')).toHaveLength(1);
});

test('a source of many shards and blocks arrives whole', async () => {
  await using world = await openWorld();
  const { google } = world;
  google.settings.exportShards = 5;
  google.settings.exportBlockBytes = 2000;
  const rows = google.tableName('source', 'rows');
  await google.duckdb(`INSERT INTO ${rows} SELECT i, repeat('word ' || i, 1 + i % 7), TIMESTAMPTZ '2024-01-01' + i * INTERVAL 1 SECOND
    FROM range(30000) AS t(i)`);
  expect((await runWell(world)).summary).toMatchObject({ rows: 30_000 });
  await google.duckdb(`INSERT INTO ${rows} SELECT i, repeat('word ' || i, 1 + i % 7), TIMESTAMPTZ '2024-01-01' + i * INTERVAL 1 SECOND
    FROM range(30000, 50000) AS t(i)`);
  expect((await runWell(world)).summary).toMatchObject({ mode: 'incremental', rows: 20_000 });
  const [found] = await world.database.sql`
    SELECT count(*)::int AS rows, count(DISTINCT id)::int AS ids, bool_and(name = repeat('word ' || id, (1 + id % 7)::int)
      AND max_ingested_at = timestamptz '2024-01-01 00:00Z' + id * interval '1 second') AS right FROM target`;
  expect(found).toEqual({ rows: 50_000, ids: 50_000, right: true });
});

test('small objects take a request each, and share COPY statements', async () => {
  await using world = await openWorld();
  const { google, database } = world;
  google.settings.exportShards = 200;
  await google.duckdb(`INSERT INTO ${google.tableName('source', 'rows')}
    SELECT i, 'row ' || i, TIMESTAMPTZ '2024-01-01' + i * INTERVAL 1 SECOND FROM range(2000) AS t(i)`);
  await using proxy = await startProxy(Number(new URL(database.uri).port));
  const { summary } = await runWell(world, { 'pg-conn': proxy.through(database.uri) });
  expect(summary['rows']).toBe(2000);
  const reads = google.requests.filter(({ path }) => path.includes('alt=media'));
  expect(reads).toHaveLength(200);
  const copies = proxy.statements.filter((text) => text.startsWith('COPY'));
  expect(copies.length).toBeLessThanOrEqual(20);
});

test('a table that requires a filter on its partition column is read', async () => {
  await using world = await openWorld(SCHEMA, {
    timePartitioning: { type: 'DAY', field: 'max_ingested_at' },
    requirePartitionFilter: true,
  });
  const { google } = world;
  const rows = google.tableName('source', 'rows');
  await google.duckdb(
    `INSERT INTO ${rows} VALUES (1, 'one', TIMESTAMPTZ '2024-01-01 00:00:00Z'), (2, 'two', NULL)`,
  );
  await runWell(world);
  await google.duckdb(
    `INSERT INTO ${rows} VALUES (3, 'three', TIMESTAMPTZ '2024-01-02 00:00:00Z')`,
  );
  await runWell(world);
  expect(await rowsOf(world)).toEqual([
    '(1,one,"2024-01-01 00:00:00+00")',
    '(2,two,)',
    '(3,three,"2024-01-02 00:00:00+00")',
  ]);
});
