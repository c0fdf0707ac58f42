import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { SERVER_PASSWORD, startPostgres } from '../server/server.ts';
import { DATASET, type Flags, openLoadedWorld, openWorld, SCHEMA, type World } from './fixture.ts';
import { everything, exportJobs, leftovers, NOTHING_LEFT } from './inspect.ts';

interface Expected {
  readonly code: string;
  /** What has to stand in the message, and in what to do next. */
  readonly message: readonly string[];
  readonly hint: readonly string[];
  readonly exitCode?: number;
}

/** Runs, and sees to it that it fails as expected, and that all is as it was. */
async function failsCleanly(
  world: World,
  { code, message, hint, exitCode = 1 }: Expected,
  flags: Flags = {},
  env: Record<string, string> = {},
) {
  const before = await everything(world);
  const outcome = await world.run(flags, env);
  const line = outcome.lines.findLast(({ severity }) => severity === 'ERROR');
  const told = { exitCode: outcome.exitCode, code: line?.['code'] };
  expect(told).toEqual({ exitCode, code });
  for (const part of message) expect(line?.message).toContain(part);
  for (const part of hint) expect(String(line?.['hint'] ?? line?.message)).toContain(part);
  expect(await everything(world)).toEqual(before);
  expect(await leftovers(world)).toEqual(NOTHING_LEFT);
  return outcome;
}

describe('of BigQuery', () => {
  const schemas: readonly (readonly [string, Parameters<typeof openWorld>[0], Expected])[] = [
    [
      'without max_ingested_at',
      [{ name: 'id', type: 'INTEGER' }],
      {
        code: 'NO_WATERMARK_COLUMN',
        message: ['source.bad', 'max_ingested_at'],
        hint: ['TIMESTAMP'],
      },
    ],
    [
      'whose max_ingested_at is a DATE',
      [{ name: 'max_ingested_at', type: 'DATE' }],
      {
        code: 'BAD_WATERMARK_COLUMN',
        message: ['source.bad', 'DATE'],
        hint: ['casts max_ingested_at'],
      },
    ],
    [
      'whose max_ingested_at is an ARRAY',
      [{ name: 'max_ingested_at', type: 'TIMESTAMP', mode: 'REPEATED' }],
      {
        code: 'BAD_WATERMARK_COLUMN',
        message: ['source.bad', 'ARRAY of TIMESTAMP'],
        hint: ['casts max_ingested_at'],
      },
    ],
    [
      'with a column that has no way into the type in the target',
      [...SCHEMA, { name: 'odd', type: 'STRING' }],
      {
        code: 'TYPES_DO_NOT_CONVERT',
        message: ['odd', 'STRING', 'bytea'],
        hint: ['ALTER COLUMN "odd"'],
      },
    ],
  ];
  test.each(schemas)('a table %s', async (_what, schema = SCHEMA, expected) => {
    await using world = await openWorld();
    await world.google.createTable(DATASET, 'bad', schema);
    await world.database.sql`CREATE TABLE target (id bigint, odd bytea)`;
    await world.database.sql`INSERT INTO target VALUES (1)`;
    await failsCleanly(world, expected, { 'bq-table': 'bad' });
    expect(world.google.jobs().length).toBeLessThanOrEqual(1);
    expect(exportJobs(world)).toEqual([]);
  });

  let shared: World;
  beforeAll(async () => {
    shared = await openLoadedWorld();
  });
  afterAll(() => shared[Symbol.asyncDispose]());

  const places: readonly (readonly [string, Flags, Expected])[] = [
    [
      'a missing table',
      { 'bq-table': 'absent' },
      { code: 'TABLE_NOT_FOUND', message: ['source.absent'], hint: ['bq ls source'] },
    ],
    [
      'a missing dataset',
      { 'bq-dataset': 'absent' },
      { code: 'TABLE_NOT_FOUND', message: ['absent.rows'], hint: ['bq ls absent'] },
    ],
    [
      'a dataset of another project',
      { 'bq-dataset': 'other-project.source' },
      {
        code: 'ACCESS_DENIED',
        message: ['other-project.source.rows'],
        hint: ['roles/bigquery.dataViewer on the dataset other-project:source'],
      },
    ],
    [
      'a dataset in another location',
      { 'bq-location': 'EU' },
      { code: 'WRONG_LOCATION', message: ['source.rows', 'US', 'EU'], hint: ['--bq-location US'] },
    ],
    [
      'a target of its own',
      { 'pg-table': 'public.SYNC_RUNS' },
      { code: 'USAGE', message: ['public.SYNC_RUNS'], hint: [], exitCode: 2 },
    ],
    [
      'a missing bucket',
      { 'gcs-bucket': 'absent' },
      {
        code: 'BUCKET_NOT_FOUND',
        message: ['gs://absent'],
        hint: ['--gcs-bucket', 'gcloud storage buckets create gs://absent'],
      },
    ],
  ];
  test.each(places)('%s', async (_what, flags, expected) => {
    await failsCleanly(shared, expected, flags);
    expect(exportJobs(shared)).toHaveLength(1);
  });

  const rights: readonly (readonly [string, string, readonly string[]])[] = [
    ['bigquery.tables.get', 'roles/bigquery.dataViewer', ['source.rows', 'bigquery.tables.get']],
    ['bigquery.jobs.create', 'roles/bigquery.jobUser', ['bigquery.jobs.create']],
    ['bigquery.tables.getData', 'roles/bigquery.dataViewer', ['source.rows']],
    [
      'bigquery.tables.export',
      'roles/bigquery.dataViewer',
      ['source.rows', 'bigquery.tables.export'],
    ],
    ['storage.objects.create', 'roles/storage.objectUser', ['storage.objects.create']],
    [
      'storage.objects.list',
      'roles/storage.objectUser',
      ['storage.objects.list', 'gs://test-bucket'],
    ],
    [
      'storage.objects.delete',
      'roles/storage.objectUser',
      ['storage.objects.delete', 'gs://test-bucket'],
    ],
    [
      'storage.objects.get',
      'roles/storage.objectUser',
      ['storage.objects.get', 'gs://test-bucket'],
    ],
  ];
  test.each(rights)('without %s, %s is named', async (permission, role, message) => {
    shared.google.deny(permission);
    await failsCleanly(shared, { code: 'ACCESS_DENIED', message, hint: [role] });
    shared.google.allow();
  });
});

describe('of PostgreSQL', () => {
  test('a sync_state of another shape', async () => {
    await using world = await openWorld();
    await world.database.sql`CREATE TABLE sync_state (name text, at timestamptz)`;
    await failsCleanly(world, {
      code: 'BAD_SYNC_STATE',
      message: ['"public"."sync_state"', 'name text', 'table_name text'],
      hint: ['ALTER TABLE "public"."sync_state" RENAME TO "sync_state_old";'],
    });
  });

  test('a watermark without its table', async () => {
    await using world = await openLoadedWorld();
    await world.database.sql`DROP TABLE target`;
    await failsCleanly(world, {
      code: 'TARGET_MISSING',
      message: ['"public"."target" is gone'],
      hint: [`UPDATE "public"."sync_state" SET last_synced_at = NULL WHERE table_name = 'target';`],
    });
  });

  test.each(['infinity', '0044-03-15 00:00:00 BC', '10000-01-01 00:00:00'])(
    'a watermark that no row can have: %s',
    async (watermark) => {
      await using world = await openLoadedWorld();
      await world.database.sql`UPDATE sync_state SET last_synced_at = ${watermark}::timestamp`;
      await failsCleanly(world, {
        code: 'BAD_WATERMARK',
        message: [watermark, 'target'],
        hint: ['SET last_synced_at = NULL'],
      });
    },
  );

  test('a target that is a view', async () => {
    await using world = await openWorld();
    await world.database.sql`CREATE VIEW target AS SELECT 1 AS id`;
    await failsCleanly(world, {
      code: 'UNSUPPORTED_DEPENDENT',
      message: ['"target"', 'view'],
      hint: [],
    });
  });

  test('a schema and a database that are not there', async () => {
    await using world = await openLoadedWorld();
    await failsCleanly(
      world,
      { code: 'NO_SUCH_SCHEMA', message: ['"absent"'], hint: ['CREATE SCHEMA "absent";'] },
      { 'pg-table': 'absent.target' },
    );
    const elsewhere = world.database.uri.replace(/\/[^/]*$/, '/absent');
    await failsCleanly(
      world,
      { code: 'NO_SUCH_DATABASE', message: ['"absent" does not exist'], hint: ['--pg-conn'] },
      { 'pg-conn': elsewhere },
    );
  });

  test('a server that takes no writes', async () => {
    await using world = await openLoadedWorld();
    const { sql, name } = world.database;
    await sql.unsafe(`ALTER DATABASE ${name} SET default_transaction_read_only = on`);
    await failsCleanly(world, {
      code: 'READ_ONLY',
      message: ['read-only transaction'],
      hint: ['target_session_attrs=read-write', 'default_transaction_read_only'],
    });
  });

  test('a wrong password, which is told nowhere', async () => {
    await using world = await openWorld();
    await using server = await startPostgres({ auth: 'scram-sha-256' });
    const uri = (password: string) =>
      server.uri.replace('postgres@', `postgres:${encodeURIComponent(password)}@`);
    const wrong = await failsCleanly(
      world,
      { code: 'LOGIN_REFUSED', message: ['password authentication failed'], hint: ['password'] },
      { 'pg-conn': uri('sesame sesame') },
    );
    expect(wrong.text).not.toContain('sesame');
    const right = await world.run({ 'pg-conn': uri(SERVER_PASSWORD) });
    expect(right.exitCode).toBe(0);
    expect(right.text).not.toContain(SERVER_PASSWORD);
  });

  test('a role without the right to make tables', async () => {
    await using world = await openWorld();
    const { sql, name, uri } = world.database;
    await sql.unsafe(`CREATE ROLE reader_${name} LOGIN`);
    await failsCleanly(
      world,
      {
        code: 'PERMISSION_DENIED',
        message: ['sync_state', 'may not create in schema "public"'],
        hint: ['GRANT CREATE ON SCHEMA "public"'],
      },
      { 'pg-conn': uri.replace('postgres@', `reader_${name}@`) },
    );
    await sql.unsafe(`DROP ROLE reader_${name}`);
  });
});

describe('a value that does not fit', () => {
  const cases: readonly (readonly [
    string,
    string,
    string,
    readonly string[],
    readonly string[],
  ])[] = [
    [
      'an integer',
      'id smallint',
      '(70000, NULL, NULL)',
      ['"70000"', 'id (INT64)', '"id" (smallint)', '"public"."target"'],
      ['SELECT * FROM `source.rows` WHERE', '70000'],
    ],
    [
      'a text',
      'name varchar(3)',
      "(1, 'four', NULL)",
      ['"four"', '"name" (character varying(3))'],
      ["`name` = 'four'"],
    ],
    ['a NULL', 'name text NOT NULL', '(1, NULL, NULL)', ['"name"'], ['IS NULL']],
    [
      'a text that is no number',
      'name numeric',
      "(1, 'twelve', NULL)",
      ['"twelve"', '"name" (numeric)'],
      ["'twelve'"],
    ],
    [
      'a text that is no address',
      'name inet',
      "(1, 'nowhere', NULL)",
      ['"nowhere"', '"name" (inet)'],
      ["`name` = 'nowhere'"],
    ],
  ];
  test.each(cases)('%s', async (_what, column, row, message, hint) => {
    await using world = await openWorld();
    await world.database.sql.unsafe(`CREATE TABLE target (${column})`);
    await world.google.sql(`INSERT INTO source.rows VALUES ${row}`);
    await failsCleanly(world, { code: 'VALUE_DOES_NOT_FIT', message, hint });
  });
});

describe('of the command line', () => {
  test('all wrong arguments are told at once, and nothing is asked of anyone', async () => {
    await using world = await openWorld();
    const { exitCode, lines, text } = await world.run({
      'bq-dataset': '',
      'gcs-bucket': 'gs://Bad Bucket',
      'pg-table': 'a.b.c',
      'pg-tabel': 'x',
    } as Flags);
    expect(exitCode).toBe(2);
    expect(lines).toHaveLength(1);
    for (const word of ['--bq-dataset', '--gcs-bucket', '--pg-table', '--pg-tabel']) {
      expect(text).toContain(word);
    }
    expect(world.google.requests).toEqual([]);
  });

  test.each([
    ['a parameter that libpq does not have either', '?sslmod=require', ['sslmod']],
    ['a value that libpq does not have either', '?sslmode=yes', ['sslmode']],
    ['a parameter that is not supported', '?gssencmode=require', ['gssencmode']],
  ])('a connection URI with %s is refused by name', async (_what, query, words) => {
    await using world = await openWorld();
    const uri = `postgres://u:open-sesame@127.0.0.1:1/db${query}`;
    const { exitCode, text } = await world.run({ 'pg-conn': uri });
    expect(exitCode).toBe(2);
    for (const word of words) expect(text).toContain(word);
    expect(text).not.toContain('open-sesame');
    expect(world.google.requests).toEqual([]);
  });
});
