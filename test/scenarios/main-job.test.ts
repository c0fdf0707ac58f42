import { expect, test } from 'bun:test';
import { BUCKET, openWorld, type World } from './world.ts';

async function targetRows({ database }: World): Promise<unknown[]> {
  return [
    ...(await database.sql`SELECT id, name, max_ingested_at::text AS at FROM target ORDER BY id`),
  ];
}

async function watermark({ database }: World): Promise<unknown> {
  const [row] = await database.sql`SELECT last_synced_at::text AS at FROM sync_state`;
  return row?.['at'];
}

test('a first run loads all rows, a second finds nothing new, a third adds what arrived', async () => {
  await using world = await openWorld();
  const { google } = world;
  await google.sql(`INSERT INTO source.rows VALUES
    (1, 'one', TIMESTAMP '2024-01-01 00:00:00.000001+00'), (2, '', NULL), (3, NULL, TIMESTAMP '2023-01-01 00:00:00+00')`);

  const first = await world.run();
  expect(first.text).toContain('Full load');
  expect(first.exitCode).toBe(0);
  expect(await targetRows(world)).toEqual([
    { id: '1', name: 'one', at: '2024-01-01 00:00:00.000001+00' },
    { id: '2', name: '', at: null },
    { id: '3', name: null, at: '2023-01-01 00:00:00+00' },
  ]);
  expect(await watermark(world)).toBe('2024-01-01 00:00:00.000001');
  expect(google.objects(BUCKET)).toEqual([]);

  const second = await world.run();
  expect(second.exitCode).toBe(0);
  expect(second.text).toContain('Nothing new');
  expect(google.jobs().filter((job) => JSON.stringify(job).includes('EXPORT'))).toHaveLength(1);

  await google.sql(`INSERT INTO source.rows VALUES
    (4, 'four', TIMESTAMP '2024-01-01 00:00:00.000002+00'), (5, 'late', TIMESTAMP '2024-01-01 00:00:00.000001+00')`);
  const third = await world.run();
  expect(third.exitCode).toBe(0);
  expect(third.text).toContain('Increment');
  expect((await targetRows(world)).slice(3)).toEqual([
    { id: '4', name: 'four', at: '2024-01-01 00:00:00.000002+00' },
  ]);
  expect(await watermark(world)).toBe('2024-01-01 00:00:00.000002');
  expect(google.objects(BUCKET)).toEqual([]);
});
