import { describe, expect, test } from 'bun:test';
import { openScene } from '../faults/fault-fixture.ts';
import { openLoadedWorld, openWorld, SCHEMA } from '../scenarios/fixture.ts';
import { exportJobs, leftovers, NOTHING_LEFT } from '../scenarios/inspect.ts';
import {
  addRows,
  errorOf,
  expectSameRows,
  refused,
  statementOf,
  targetRows,
  well,
  whileAskedToExport,
} from './truth-fixture.ts';

describe('the lock is lost before the run is in the ledger, and another run does the work:', () => {
  test.each([
    ['before its row is written', /INSERT INTO "public"\."sync_runs"/],
    ['before it reads the watermark', /last_synced_at > now\(\)/],
  ])('%s', async (_when, statement) => {
    await using scene = await openScene(200);
    await scene.recover();
    await scene.addRows(100);
    const snapped = scene.proxy.trap({ when: statement, what: 'hold' });
    const first = scene.start();
    await snapped;
    scene.proxy.refuse(true);
    scene.proxy.cut();
    await first.logged('the connection to PostgreSQL was lost');
    await scene.until(async () => (await scene.world.run()).exitCode === 0);
    scene.proxy.refuse(false);
    const { exitCode, text } = await first.outcome;
    // Either it begins after the other one, or it was ended by it.
    expect({ exitCode, text }).toEqual({ exitCode: text.includes('RUN_TAKEN_OVER') ? 3 : 0, text });
    await scene.expectRight();
    await expectSameRows(scene.world);
  });

  test('a full load of the first run does not replace what the second one has loaded', async () => {
    await using scene = await openScene(200);
    const snapped = scene.proxy.trap({ when: /last_synced_at > now\(\)/, what: 'hold' });
    const first = scene.start();
    await snapped;
    scene.proxy.refuse(true);
    scene.proxy.cut();
    await first.logged('the connection to PostgreSQL was lost');
    await scene.until(async () => (await scene.world.run()).exitCode === 0);
    await scene.addRows(50);
    await scene.until(async () => (await scene.world.run()).exitCode === 0);
    scene.proxy.refuse(false);
    expect((await first.outcome).exitCode).toBeOneOf([0, 3]);
    await scene.expectRight();
  });
});

/** What somebody does to the target while a run exports; a run planned for what was there before. */
const CHANGES = {
  'ALTER TYPE to one of the same width': 'ALTER TABLE target ALTER id TYPE float8',
  'ALTER TYPE of the timestamp':
    "ALTER TABLE target ALTER max_ingested_at TYPE timestamp USING max_ingested_at AT TIME ZONE 'UTC'",
  'ALTER TYPE of an integer': 'ALTER TABLE target ALTER id TYPE numeric',
  RENAME: 'ALTER TABLE target RENAME TO moved',
  'RENAME, and another one in its place':
    'ALTER TABLE target RENAME TO moved; CREATE TABLE target (id float8, name text, max_ingested_at timestamptz)',
  'DROP and CREATE':
    'DROP TABLE target; CREATE TABLE target (id float8, name text, max_ingested_at float8)',
  'DROP and CREATE of the same':
    'DROP TABLE target; CREATE TABLE target (id bigint NOT NULL, name text, max_ingested_at timestamptz)',
  'columns that change names':
    'ALTER TABLE target RENAME name TO other; ALTER TABLE target ADD name text',
  'a new key': 'ALTER TABLE target ADD PRIMARY KEY (id)',
  'a generated column':
    "ALTER TABLE target DROP name, ADD name text GENERATED ALWAYS AS ('x') STORED",
} as const;

for (const mode of ['an increment', 'a full load'] as const) {
  test.each(Object.entries(CHANGES))(
    `%s during the export of ${mode} makes no row visible, or every row as it is`,
    async (_what, change) => {
      await using world = await openLoadedWorld();
      const { sql } = world.database;
      await addRows(world, [60, 'sixty', 3]);
      if (mode === 'a full load') await sql`UPDATE sync_state SET last_synced_at = NULL`;
      let before: unknown;
      const outcome = await whileAskedToExport(world, async () => {
        await sql.unsafe(change);
        before = await sql.unsafe('SELECT * FROM target').catch(() => 'no table');
      });
      const error = errorOf(outcome);
      if (outcome.exitCode !== 0) {
        expect(error?.['code']).toBe(
          mode === 'an increment' ? 'TARGET_CHANGED' : 'DEPENDENTS_CHANGED',
        );
        const now: unknown = await sql.unsafe('SELECT * FROM target').catch(() => 'no table');
        expect(now).toEqual(before);
        expect(await leftovers(world)).toEqual(NOTHING_LEFT);
      } else {
        expect(mode).toBe('a full load');
        await expectSameRows(world);
      }
    },
  );
}

test('a target that is dropped while a full load reads it is one that changed', async () => {
  await using scene = await openScene(10);
  const { sql } = scene.world.database;
  await scene.recover();
  await sql`ALTER TABLE target ADD PRIMARY KEY (id)`;
  await sql`UPDATE sync_state SET last_synced_at = NULL`;
  const meanwhile = () => sql`DROP TABLE target`;
  const snapped = scene.proxy.trap({ when: /pg_get_indexdef/, what: 'pause', meanwhile });
  const run = scene.start();
  await snapped;
  const { message } = await refused(run.outcome, 'TARGET_CHANGED');
  expect(message).toContain('something of it was dropped while it was read');
  await scene.recover();
});

describe('a target that goes while an increment', () => {
  test.each([
    ['looks for later rows', /SELECT EXISTS \(SELECT FROM "public"\."target"/, 'it is gone'],
    ['asks for its rights', /'may_make_temporary'/, 'it is gone'],
    ['adds a column to it', /ADD COLUMN/, 'it is gone'],
    ['locks it', /LOCK TABLE ONLY/, 'it is gone'],
  ])('%s is one that changed', async (_what, when, told) => {
    await using scene = await openScene(10);
    const { google, database } = scene.world;
    await scene.recover();
    await scene.addRows(5);
    await google.addColumn('source', 'rows', { name: 'score', type: 'INTEGER' });
    // A watermark that no run has left is looked at.
    await database.sql`UPDATE sync_state SET last_synced_at = last_synced_at + interval '1 us'`;
    const meanwhile = () => database.sql`DROP TABLE target`;
    const snapped = scene.proxy.trap({ when, what: 'pause', meanwhile });
    const run = scene.start();
    await snapped;
    expect((await refused(run.outcome, 'TARGET_CHANGED')).message).toContain(told);
  });

  test('adds a column to it, and makes room for another one, leaves that as it is', async () => {
    await using scene = await openScene(10);
    const { google, database } = scene.world;
    await scene.recover();
    await scene.addRows(5);
    await google.addColumn('source', 'rows', { name: 'score', type: 'INTEGER' });
    const meanwhile = () =>
      database.sql.unsafe('ALTER TABLE target RENAME TO moved; CREATE TABLE target (id int)');
    const snapped = scene.proxy.trap({ when: /ADD COLUMN/, what: 'pause', meanwhile });
    const run = scene.start();
    await snapped;
    const { message } = await refused(run.outcome, 'TARGET_CHANGED');
    expect(message).toContain('it was dropped and made again');
    const columns = database.sql`SELECT column_name FROM information_schema.columns
      WHERE table_name IN ('target', 'moved') AND column_name = 'score'`;
    expect([...(await columns)]).toEqual([]);
  });
});

test('a column that somebody adds with another type, while BigQuery has it new, takes no foreign bytes', async () => {
  await using world = await openLoadedWorld();
  const { google, database } = world;
  await google.addColumn('source', 'rows', { name: 'score', type: 'INTEGER' });
  await google.sql('UPDATE source.rows SET score = 60 WHERE TRUE');
  const outcome = whileAskedToExport(world, () =>
    database.sql.unsafe('ALTER TABLE target ADD score float8'),
  );
  const { message } = await refused(outcome, 'TARGET_CHANGED');
  expect(message).toContain('its column score changed');
  expect(await targetRows(world)).toHaveLength(1);
  await well(world.run());
  expect([...(await database.sql`SELECT id, score FROM target ORDER BY id`)]).toEqual([
    { id: '1', score: null },
    { id: '2', score: 60 },
  ]);
});

describe('a column that is added in BigQuery', () => {
  const SCORE = { name: 'score', type: 'INTEGER' } as const;
  const scores = ({ database }: Awaited<ReturnType<typeof openWorld>>) =>
    database.sql`SELECT id::int, score::int FROM target ORDER BY id`.then((rows) => [...rows]);

  test.each(['an increment', 'a full load'])(
    'between tables.get and the export of %s comes with its values',
    async (mode) => {
      await using world = mode === 'a full load' ? await openWorld() : await openLoadedWorld();
      const { google } = world;
      if (mode === 'a full load') await addRows(world, [2, 'two', 2]);
      const outcome = whileAskedToExport(world, async () => {
        await google.addColumn('source', 'rows', SCORE);
        await google.sql('UPDATE source.rows SET score = 7 WHERE id = 2');
      });
      const { text } = await well(outcome);
      expect(text).toContain(
        'the columns of the source changed during the export: exporting again',
      );
      expect((await scores(world)).at(-1)).toEqual({ id: 2, score: 7 });
      expect(await leftovers(world)).toEqual(NOTHING_LEFT);
    },
  );

  test.each(['an increment', 'a full load'])(
    'in the place of another one between tables.get and the export of %s comes with its values',
    async (mode) => {
      await using world = mode === 'a full load' ? await openWorld() : await openLoadedWorld();
      const { google, database } = world;
      if (mode === 'a full load') await addRows(world, [2, 'two', 2]);
      const outcome = whileAskedToExport(world, async () => {
        await google.dropTable('source', 'rows');
        const fields = SCHEMA.map((field) =>
          field.name === 'name' ? { ...field, name: 'title' } : field,
        );
        await google.createTable('source', 'rows', fields);
        await addRows(world, [2, 'two', 2]);
      });
      const { text } = await well(outcome);
      expect(text).toContain(
        'the columns of the source changed during the export: exporting again',
      );
      const rows = await database.sql`SELECT id::int, title FROM target WHERE id = 2`;
      expect([...rows]).toEqual([{ id: 2, title: 'two' }]);
      expect(await leftovers(world)).toEqual(NOTHING_LEFT);
    },
  );

  test('while the export runs comes with its values', async () => {
    await using scene = await openScene(100);
    const run = await scene.startLongExport(1);
    await scene.world.google.addColumn('source', 'rows', SCORE);
    await scene.world.google.sql('UPDATE source.rows SET score = 7 WHERE TRUE');
    scene.world.google.settings.jobSeconds = 0;
    await well(run.outcome);
    expect(new Set((await scores(scene.world)).map(({ score }) => score))).toEqual(new Set([7]));
    expect(exportJobs(scene.world)).toHaveLength(2);
    await scene.expectRight();
  });
});

describe('a target that is another table than the one that the last run left', () => {
  const EMPTY =
    'DROP TABLE target; CREATE TABLE target (id bigint, name text, max_ingested_at timestamptz)';
  const COPIED =
    'ALTER TABLE target RENAME TO former; CREATE TABLE target AS TABLE former; DROP TABLE former';

  test.each(['there are new rows', 'nothing is new'])(
    'is refused where %s; a full load is one way out',
    async (what) => {
      await using world = await openLoadedWorld();
      const { sql } = world.database;
      if (what === 'nothing is new') await well(world.run());
      await sql.unsafe(EMPTY);
      const error = await refused(world.run(), 'TARGET_REPLACED');
      expect(await targetRows(world)).toEqual([]);
      await sql.unsafe(statementOf(error, 'UPDATE'));
      expect((await well(world.run())).summary).toMatchObject({ mode: 'full' });
      await expectSameRows(world);
    },
  );

  test('is refused; to say that all rows are in it is the other way out', async () => {
    await using world = await openLoadedWorld();
    const { sql } = world.database;
    await sql.unsafe(COPIED);
    const error = await refused(world.run(), 'TARGET_REPLACED');
    await sql.unsafe(String(error['hint']).split('are in it: ')[1] ?? '');
    expect((await well(world.run())).summary).toMatchObject({ mode: 'incremental', rows: 1 });
    await expectSameRows(world);
  });

  test('is none after a full load, which makes a new one itself', async () => {
    await using world = await openLoadedWorld();
    await world.database.sql`UPDATE sync_state SET last_synced_at = NULL`;
    await well(world.run());
    await well(world.run());
    await addRows(world, [3, 'three', 3]);
    expect((await well(world.run())).summary).toMatchObject({ mode: 'incremental', rows: 1 });
    await expectSameRows(world);
  });
});
