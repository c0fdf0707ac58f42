import { expect, test } from 'bun:test';
import { BUCKET, type Flags, openWorld, SCHEMA, type World } from './world.ts';

interface Case {
  readonly title: string;
  readonly flags?: Flags;
  readonly prepare?: (world: World) => Promise<unknown> | unknown;
  readonly exitCode: number;
  /** Parts of what is said: what happened, and what to do. */
  readonly says: readonly string[];
}

const CASES: readonly Case[] = [
  {
    title: 'a table that is not there',
    flags: { 'bq-table': 'missing' },
    exitCode: 1,
    says: ['source.missing', 'bq ls'],
  },
  {
    title: 'a dataset in another location',
    flags: { 'bq-location': 'EU' },
    exitCode: 1,
    says: ['--bq-location US'],
  },
  {
    title: 'a source without max_ingested_at',
    prepare: ({ google }) =>
      google.createTable('source', 'plain', [{ name: 'id', type: 'INTEGER' }]),
    flags: { 'bq-table': 'plain' },
    exitCode: 1,
    says: ['has no column max_ingested_at'],
  },
  {
    title: 'a max_ingested_at of another type',
    prepare: ({ google }) =>
      google.createTable('source', 'dated', [{ name: 'max_ingested_at', type: 'DATE' }]),
    flags: { 'bq-table': 'dated' },
    exitCode: 1,
    says: ['max_ingested_at', 'DATE', 'TIMESTAMP or DATETIME'],
  },
  {
    title: 'a bucket that is not there',
    flags: { 'gcs-bucket': 'missing-bucket' },
    exitCode: 1,
    says: ['missing-bucket'],
  },
  {
    title: 'credentials that may not read the table',
    prepare: ({ google }) => google.deny('bigquery.tables.get'),
    exitCode: 1,
    says: ['roles/bigquery.dataViewer'],
  },
  {
    title: 'credentials that may not run jobs',
    prepare: ({ google }) => google.deny('bigquery.jobs.create'),
    exitCode: 1,
    says: ['roles/bigquery.jobUser'],
  },
  {
    title: 'credentials that may not write to the bucket',
    prepare: ({ google }) => google.deny('storage.objects.create'),
    exitCode: 1,
    says: ['roles/storage.object'],
  },
  {
    title: 'a sync_state that is somebody else’s',
    prepare: ({ database }) => database.sql`CREATE TABLE sync_state (table_name text, at date)`,
    exitCode: 1,
    says: ['sync_state', 'RENAME'],
  },
  {
    title: 'a schema that is not there',
    flags: { 'pg-table': 'missing.target' },
    exitCode: 1,
    says: ['CREATE SCHEMA "missing"'],
  },
  {
    title: 'a target that is a view',
    prepare: ({ database }) => database.sql`CREATE VIEW target AS SELECT 1 AS id`,
    exitCode: 1,
    says: ['target', 'view'],
  },
  {
    title: 'a target with a column that the type does not go into',
    prepare: ({ database }) =>
      database.sql`CREATE TABLE target (id inet, name text, max_ingested_at timestamptz)`,
    exitCode: 1,
    says: ['column id', 'INT64', 'inet'],
  },
  {
    title: 'a watermark for a target that is gone',
    prepare: async ({ database }) => {
      await database.sql`CREATE TABLE sync_state (table_name text PRIMARY KEY, last_synced_at timestamp)`;
      await database.sql`INSERT INTO sync_state VALUES ('target', '2020-01-01')`;
    },
    exitCode: 1,
    says: ['UPDATE', 'last_synced_at = NULL'],
  },
  {
    title: 'the program’s own table as target',
    flags: { 'pg-table': 'sync_runs' },
    exitCode: 2,
    says: ['sync_runs'],
  },
  {
    title: 'two wrong arguments, both told at once',
    flags: { 'bq-location': '', 'pg-conn': 'postgres://u:secret-word@h/d?sslmood=require' },
    exitCode: 2,
    says: ['--bq-location', 'sslmood'],
  },
];

/** All that a refused run must not have touched. */
async function stateOf({ google, database }: World): Promise<unknown> {
  const relations = await database.sql`
    SELECT relname, relkind FROM pg_class WHERE relnamespace = 'public'::regnamespace
      AND relname NOT LIKE 'sync\\_%' ORDER BY 1`;
  const state = await database.sql`SELECT to_regclass('sync_state') AS t`;
  const rows = state[0]?.['t'] == null ? [] : await database.sql.unsafe('SELECT * FROM sync_state');
  return {
    relations: [...relations],
    rows: [...rows],
    objects: google.objects(BUCKET),
    exports: google.jobs().filter((job) => JSON.stringify(job).includes('EXPORT')).length,
  };
}

for (const { title, flags, prepare, exitCode, says } of CASES) {
  test(`${title} ends the run with ${exitCode}, says what to do, and nothing is touched`, async () => {
    await using world = await openWorld(SCHEMA);
    await world.google.sql(
      `INSERT INTO source.rows VALUES (1, 'one', TIMESTAMP '2024-01-01 00:00:00+00')`,
    );
    await prepare?.(world);
    const before = await stateOf(world);
    const outcome = await world.run(flags);
    const told = outcome.lines.map(({ message }) => message).join('\n');
    for (const part of says) expect(told).toContain(part);
    expect(outcome.exitCode).toBe(exitCode);
    expect(outcome.text).not.toContain('secret-word');
    expect(await stateOf(world)).toEqual(before);
  });
}

test('a value that does not fit is named with its table, column and a query, and nothing is touched', async () => {
  await using world = await openWorld();
  const { google, database } = world;
  await database.sql`CREATE TABLE target (id integer, name text, max_ingested_at timestamptz)`;
  await database.sql`INSERT INTO target VALUES (7, 'before', NULL)`;
  await google.sql(`INSERT INTO source.rows VALUES
    (1, 'one', TIMESTAMP '2024-01-01 00:00:00+00'), (9000000000, 'big', TIMESTAMP '2024-01-01 00:00:00+00')`);
  const outcome = await world.run();
  expect(outcome.exitCode).toBe(1);
  for (const part of ['"9000000000"', '"target"', 'column "id"', 'WHERE `id` = 9000000000']) {
    expect(outcome.lines.map(({ message }) => message).join()).toContain(part);
  }
  expect([...(await database.sql`SELECT id FROM target`)]).toEqual([{ id: 7 }]);
  expect(google.objects(BUCKET)).toEqual([]);
});
