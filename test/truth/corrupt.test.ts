import { expect, test } from 'bun:test';
import { BUCKET, openWorld, type World } from '../scenarios/fixture.ts';
import { leftovers, NOTHING_LEFT } from '../scenarios/inspect.ts';
import { addRows, expectSameRows, refused, targetRows, well } from './truth-fixture.ts';

const OBJECT = { service: 'storage', method: 'GET', path: /alt=media/ } as const;

/** A world whose one row that is to come has a name which stands in the middle of its object. */
async function openNamedWorld(setUp: string): Promise<World> {
  const world = await openWorld();
  const { google, database } = world;
  google.settings.exportShards = 1;
  await database.sql.unsafe(setUp);
  await addRows(world, [1, 'abcdefgh', 1]);
  return world;
}

/** Where the text stands in the object that the next run reads: the same as in one like it. */
async function placeOf(world: World, text: string): Promise<number> {
  const { google } = world;
  google.fail({ ...OBJECT, kind: 'delay', ms: 500 });
  const run = world.start();
  while (google.objects(BUCKET).length === 0) await Bun.sleep(10);
  const [object] = google.objects(BUCKET);
  const bytes = google.readObject(BUCKET, object?.name ?? '') ?? Buffer.alloc(0);
  run.kill('SIGTERM');
  await run.outcome;
  google.heal();
  const at = bytes.indexOf(text);
  expect(at).toBeGreaterThan(0);
  return at;
}

test.each([
  // The lowest bit of a byte is flipped: h becomes i.
  [
    'that the server refuses',
    "CREATE TABLE target (id bigint, name text CHECK (name = 'abcdefgh'), max_ingested_at timestamptz)",
  ],
  [
    'that the encoder refuses',
    'CREATE TABLE target (id bigint, name uuid, max_ingested_at timestamptz)',
  ],
] as const)(
  'a byte that is flipped inside a value %s is the fault of the object, not of the value',
  async (_what, setUp) => {
    await using world = await openNamedWorld(setUp);
    const { google, database } = world;
    if (setUp.includes('uuid')) {
      await google.sql(
        "UPDATE source.rows SET name = '00000000-0000-0000-0000-00000000000f' WHERE TRUE",
      );
    }
    const at = await placeOf(world, setUp.includes('uuid') ? '00000000000f' : 'abcdefgh');
    await database.sql`DELETE FROM sync_state`;
    // A dash or a letter that the type does not take: 0x66 with its lowest bit flipped is 0x67, g.
    const atByte = setUp.includes('uuid') ? at + 11 : at + 7;
    google.fail({ ...OBJECT, kind: 'flip', atByte, times: 99 });
    const { message } = await refused(world.run(), 'CORRUPT_OBJECT');
    expect(message).toContain('did not arrive as it was written');
    expect(await targetRows(world)).toEqual([]);
    google.heal();
    await well(world.run());
    await expectSameRows(world);
  },
);

test('a value that does not fit, of an object that arrived as it was written, is blamed as ever', async () => {
  await using world = await openNamedWorld(
    "CREATE TABLE target (id bigint, name text CHECK (name = 'other'), max_ingested_at timestamptz)",
  );
  const { message } = await refused(world.run(), 'ROW_DOES_NOT_FIT');
  expect(message).toContain('target_name_check');
});

test.each(['a full load', 'an increment'])(
  'a listing of %s that leaves out every object makes no row visible',
  async (mode) => {
    await using world = await openWorld();
    const { google } = world;
    await addRows(world, [1, 'one', 1]);
    if (mode === 'an increment') {
      await well(world.run());
      await addRows(world, [2, 'two', 2]);
    }
    const before = mode === 'an increment' ? await targetRows(world) : [];
    const status = async () =>
      (
        await world.database.sql`SELECT status FROM sync_runs ORDER BY started_at DESC LIMIT 1`
      )[0]?.['status'];
    // The objects are there when the job ends, and gone when they are listed.
    google.fail({
      service: 'storage',
      method: 'GET',
      path: /\/o\?.*prefix/,
      kind: 'delay',
      ms: 800,
    });
    const run = world.start();
    while (google.objects(BUCKET).length === 0) await Bun.sleep(5);
    for (const { name } of google.objects(BUCKET)) google.deleteObject(BUCKET, name);
    const { message } = await refused(run.outcome, 'ROW_COUNT_MISMATCH');
    expect(message).toMatch(/BigQuery wrote 1 rows to .*, and no object is there/);
    expect(await status()).toBe('failed');
    if (mode === 'an increment') expect(await targetRows(world)).toEqual(before);
    expect(await leftovers(world)).toEqual(NOTHING_LEFT);
    await well(world.run());
    await expectSameRows(world);
  },
);
