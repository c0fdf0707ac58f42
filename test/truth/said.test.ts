import { expect, test } from 'bun:test';
import { openLoadedWorld, openWorld, SCHEMA } from '../scenarios/fixture.ts';
import { addRows, expectSameRows, well } from './truth-fixture.ts';

test('a column that is renamed in BigQuery is one warning, and its way out fills the new one', async () => {
  await using world = await openLoadedWorld();
  const { google, database } = world;
  await google.dropTable('source', 'rows');
  await google.createTable(
    'source',
    'rows',
    SCHEMA.map((field) => (field.name === 'name' ? { ...field, name: 'title' } : field)),
  );
  await google.sql(`INSERT INTO source.rows VALUES (1, 'one', TIMESTAMP '2024-01-01 00:00:00+00'),
    (2, 'two', TIMESTAMP '2024-01-02 00:00:00+00')`);
  const { warnings } = await well(world.run());
  expect(warnings).toEqual([
    expect.stringContaining('new in BigQuery: title; no longer there: name.'),
  ]);
  expect(warnings[0]).toContain(
    'set the watermark in sync_state to NULL for a full load, and drop name',
  );
  const titles = () =>
    database.sql`SELECT id::int, title FROM target ORDER BY id`.then((rows) => [...rows]);
  expect(await titles()).toEqual([
    { id: 1, title: null },
    { id: 2, title: 'two' },
  ]);
  await database.sql`UPDATE sync_state SET last_synced_at = NULL`;
  await well(world.run());
  await database.sql`ALTER TABLE target DROP COLUMN name`;
  expect(await titles()).toEqual([
    { id: 1, title: 'one' },
    { id: 2, title: 'two' },
  ]);
  expect((await well(world.run())).warnings).toEqual([]);
});

test('an empty source is a full load at every run: one warning, until it has rows', async () => {
  await using world = await openWorld();
  for (let round = 1; round <= 2; round += 1) {
    const { summary, warnings } = await well(world.run());
    expect(summary).toMatchObject({ mode: 'full', rows: 0 });
    expect(warnings).toEqual([
      expect.stringMatching(/^source\.rows is empty.*every run is a full load/),
    ]);
  }
  await addRows(world, [1, 'one', 1]);
  expect((await well(world.run())).warnings).toEqual([]);
  expect((await well(world.run())).summary).toMatchObject({ mode: 'nothing new' });
  await expectSameRows(world);
});

test('a source without any max_ingested_at is a full load at every run: one warning, and its UPDATE ends it', async () => {
  await using world = await openWorld();
  const { google } = world;
  await google.sql("INSERT INTO source.rows VALUES (1, 'one', NULL), (2, 'two', NULL)");
  for (let round = 1; round <= 2; round += 1) {
    const { summary, warnings } = await well(world.run());
    expect(summary).toMatchObject({ mode: 'full', rows: 2 });
    expect(warnings).toEqual([
      expect.stringContaining('no row of source.rows has a max_ingested_at'),
    ]);
    await expectSameRows(world);
    const update = /UPDATE .* IS NULL/.exec(warnings[0] ?? '')?.[0] ?? '';
    if (round === 2) await google.sql(update);
  }
  expect((await well(world.run())).warnings).toEqual([]);
  expect((await well(world.run())).summary).toMatchObject({ mode: 'nothing new' });
  await expectSameRows(world);
});

test('a view without any max_ingested_at is told to select one that is stored', async () => {
  await using world = await openWorld();
  const { google } = world;
  await google.sql("INSERT INTO source.rows VALUES (1, 'one', NULL)");
  await google.createTable('source', 'live', SCHEMA, { query: 'SELECT * FROM source.rows' });
  const { warnings } = await well(world.run({ 'bq-table': 'live' }));
  expect(warnings).toEqual([
    expect.stringContaining('select a column as max_ingested_at that is stored with the rows'),
  ]);
});
