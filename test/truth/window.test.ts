import { expect, test } from 'bun:test';
import { openLoadedWorld, openWorld, SCHEMA, type World } from '../scenarios/fixture.ts';
import { exportJobs, watermarks } from '../scenarios/inspect.ts';
import {
  addRows,
  expectSameRows,
  refused,
  sourceRows,
  targetRows,
  well,
  whileAskedToExport,
} from './truth-fixture.ts';

const AT_QUERY_TIME = 'SELECT id, name, CURRENT_TIMESTAMP() AS max_ingested_at FROM source.rows';
const LIVE = { 'bq-table': 'live' };

const names = (rows: readonly string[]) => rows.map((row) => row.split(' ').slice(0, 2).join(' '));

/** Writes the source anew, later than it was. */
async function rebuild(world: World, ...rows: Parameters<typeof addRows>[1][]): Promise<void> {
  await world.google.sql('DELETE FROM source.rows WHERE TRUE');
  if (rows.length > 0) await addRows(world, ...rows);
}

test('a view with CURRENT_TIMESTAMP() as max_ingested_at is loaded whole, and its increment refused by name', async () => {
  await using world = await openWorld();
  await addRows(world, [1, 'one', 1], [2, 'two', 2]);
  await world.google.createTable('source', 'live', SCHEMA, { query: AT_QUERY_TIME });
  for (let round = 1; round <= 2; round += 1) {
    await well(world.run(LIVE));
    expect(names(await targetRows(world))).toEqual(names(await sourceRows(world)));
    const before = await targetRows(world);
    const { message, hint } = await refused(world.run(LIVE), 'SOURCE_REBUILT');
    expect(message).toContain('source.live had rows when they were counted');
    expect(hint).toContain('CURRENT_TIMESTAMP() AS max_ingested_at');
    expect(await targetRows(world)).toEqual(before);
    await world.database.sql`UPDATE sync_state SET last_synced_at = NULL`;
    await addRows(world, [3, 'three', 3]);
  }
});

test('a source that is rebuilt between the count and the export is loaded as the export sees it', async () => {
  await using world = await openWorld();
  await addRows(world, [1, 'one', 1], [2, 'two', 2]);
  const outcome = whileAskedToExport(world, () => rebuild(world, [1, 'new', 8], [5, 'five', 9]));
  const { summary } = await well(outcome);
  expect(summary).toMatchObject({ mode: 'full', rows: 2 });
  await expectSameRows(world);
  expect(await watermarks(world)).toEqual(['(target,"2024-01-09 00:00:00")']);
});

test('a source that is emptied between the count and a full load replaces no rows', async () => {
  await using world = await openLoadedWorld();
  await world.database.sql`UPDATE sync_state SET last_synced_at = NULL`;
  const before = await targetRows(world);
  const outcome = whileAskedToExport(world, () => rebuild(world));
  const { message } = await refused(outcome, 'SOURCE_REBUILT');
  expect(message).toContain('none when they were exported');
  expect(await targetRows(world)).toEqual(before);
  await addRows(world, [7, 'seven', 7]);
  await well(world.run());
  await expectSameRows(world);
});

test.each([
  ['emptied', [], 'none of them'],
  ['written anew', [[9, 'nine', 9]], 'only later ones'],
] as const)(
  'a source that is %s between the count and an increment brings nothing, and says so',
  async (_how, rows, found) => {
    await using world = await openLoadedWorld();
    const before = await targetRows(world);
    const outcome = whileAskedToExport(world, () =>
      rebuild(world, ...rows.map((row) => [...row] as const)),
    );
    const { message } = await refused(outcome, 'SOURCE_REBUILT');
    expect(message).toContain(found);
    expect(await targetRows(world)).toEqual(before);
    expect(await watermarks(world)).toEqual(['(target,"2024-01-01 00:00:00")']);
    await well(world.run());
    expect(await targetRows(world)).toEqual([...before, ...(await sourceRows(world))].sort());
  },
);

test('rows that come between the count and the export come with it, once', async () => {
  await using world = await openLoadedWorld();
  await well(whileAskedToExport(world, () => addRows(world, [3, 'three', 3])));
  await expectSameRows(world);
  const exports = exportJobs(world).length;
  await well(world.run());
  expect(exportJobs(world)).toHaveLength(exports);
  await expectSameRows(world);
});
