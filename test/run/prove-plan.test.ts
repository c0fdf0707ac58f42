import { expect, test } from 'bun:test';
import { openLoadedWorld, SCHEMA } from '../scenarios/fixture.ts';
import { asksForExport, rowsOf, slowExports, untilExporting } from '../scenarios/inspect.ts';

const LOADED = '(1,one,"2024-01-01 00:00:00+00")';

test('a column that somebody adds with another type during an export is not taken for the one to add', async () => {
  await using world = await openLoadedWorld();
  const { google, database } = world;
  await google.dropTable('source', 'rows');
  await google.createTable('source', 'rows', [...SCHEMA, { name: 'n', type: 'INTEGER' }]);
  await google.sql(
    "INSERT INTO source.rows VALUES (2, 'two', TIMESTAMP '2024-01-02 00:00:00+00', 60)",
  );
  slowExports(world, 1);
  const run = world.start();
  await untilExporting(world);
  await database.sql.unsafe('ALTER TABLE target ADD COLUMN n double precision');
  const { exitCode, text } = await run.outcome;
  expect(text).toContain('TARGET_CHANGED');
  expect(text).toContain('its column n changed');
  expect(exitCode).toBe(1);
  expect(await rowsOf(world)).toEqual([LOADED.replace(')', ',)')]);
});

test('a key that gets a newer row between the count and the export is no rebuilt source', async () => {
  await using world = await openLoadedWorld();
  const { google, database } = world;
  await database.sql.unsafe('ALTER TABLE target ADD PRIMARY KEY (id)');
  const before = google.requests.length;
  google.fail({ method: 'POST', body: /EXPORT DATA/, kind: 'delay', ms: 1500 });
  const run = world.start();
  while (!google.requests.slice(before).some(asksForExport)) await Bun.sleep(5);
  await google.sql(
    "INSERT INTO source.rows VALUES (2, 'newer', TIMESTAMP '2024-01-03 00:00:00+00')",
  );
  const { exitCode, text } = await run.outcome;
  expect(text).toContain('Increment of source.rows into public.target: 1 row');
  expect(exitCode).toBe(0);
  expect(await rowsOf(world)).toEqual([LOADED, '(2,newer,"2024-01-03 00:00:00+00")']);
});

test('an unlogged target is refused also where nothing is new: a crash may have emptied it', async () => {
  await using world = await openLoadedWorld();
  expect((await world.run()).exitCode).toBe(0);
  await world.database.sql.unsafe('ALTER TABLE target SET UNLOGGED');
  const { exitCode, text } = await world.run();
  expect(text).toContain('UNLOGGED_TARGET');
  expect(exitCode).toBe(1);
});
