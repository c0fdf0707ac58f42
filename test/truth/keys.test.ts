import { describe, expect, test } from 'bun:test';
import type { Field } from '../gcp/google.ts';
import { openWorld, type World } from '../scenarios/fixture.ts';
import { refused, well } from './truth-fixture.ts';

const NAME: Field = { name: 'name', type: 'STRING' };
const AT: Field = { name: 'max_ingested_at', type: 'TIMESTAMP' };

/** A world whose key has a type in BigQuery, and a target with a key of its own. */
async function openKeyed(type: string, target: string): Promise<World> {
  const world = await openWorld([{ name: 'id', type }, NAME, AT]);
  await world.database.sql.unsafe(target);
  return world;
}

/** Adds rows: a literal of the key, a name, and a time of the first of January 2024. */
async function add({ google }: World, ...rows: (readonly [string, string, string])[]) {
  const values = rows.map(
    ([id, name, time]) => `(${id}, '${name}', TIMESTAMP '2024-01-01 ${time}+00')`,
  );
  await google.sql(`INSERT INTO source.rows VALUES ${values.join(', ')}`);
}

async function namesOf({ database }: World): Promise<string[]> {
  const rows = await database.sql`SELECT concat(id::text, ' ', name) AS row FROM target`;
  return rows.map(({ row }) => String(row)).sort();
}

const keyed = (type: string, at = 'timestamptz') =>
  `CREATE TABLE target (id ${type} PRIMARY KEY, name text, max_ingested_at ${at})`;

test('of the rows of a key the newest wins in a full load, and the summary counts those left out', async () => {
  await using world = await openKeyed('INTEGER', keyed('bigint'));
  await add(
    world,
    ['1', 'old', '01:00:00'],
    ['1', 'new', '02:00:00'],
    ['1', 'older', '00:30:00'],
    ['2', 'two', '03:00:00'],
  );
  const { summary } = await well(world.run());
  expect(summary).toMatchObject({ mode: 'full', rows: 2, rowsLeftOut: 2 });
  expect(await namesOf(world)).toEqual(['1 new', '2 two']);
  await add(
    world,
    ['2', 'later', '05:00:00'],
    ['2', 'late', '04:00:00'],
    ['3', 'three', '06:00:00'],
  );
  expect((await well(world.run())).summary).toMatchObject({ rows: 2, rowsLeftOut: 1 });
  expect(await namesOf(world)).toEqual(['1 new', '2 later', '3 three']);
});

describe('the newest by the exported microseconds, however the target keeps them:', () => {
  test.each([
    ['timestamp(3)', ''],
    ['timestamptz(0)', ''],
    ['moment', 'CREATE DOMAIN moment AS timestamptz; '],
    ['text', ''],
  ])('%s', async (type, domain) => {
    await using world = await openKeyed('INTEGER', domain + keyed('bigint', type));
    const versions = (id: number, from: number): (readonly [string, string, string])[] =>
      Array.from({ length: 8 }, (_, n) => [
        `${id}`,
        `version ${n}`,
        `00:00:0${from}.${String(123_000 + ((n * 5) % 8) * 100).padStart(6, '0')}`,
      ]);
    // The times of the versions are 0, 5, 2, 7, 4, 1, 6, 3 tenths of a millisecond.
    const newest = 3;
    await add(world, ...versions(1, 1), ...versions(2, 1));
    await well(world.run());
    expect(await namesOf(world)).toEqual([`1 version ${newest}`, `2 version ${newest}`]);
    await add(world, ...versions(2, 2), ...versions(3, 2));
    await well(world.run());
    expect(await namesOf(world)).toEqual([1, 2, 3].map((id) => `${id} version ${newest}`));
  });
});

describe('keys that only the type of the target makes equal are refused in both modes, with a query that finds them:', () => {
  test.each([
    ['citext', 'STRING', "'A'", "'a'"],
    ['char(3)', 'STRING', "'a'", "'a '"],
    ['numeric(10,2)', 'NUMERIC', '1.001', '1.004'],
    ['real', 'FLOAT', '1.00000001', '1.00000002'],
    ['int', 'STRING', "'1'", "'01'"],
    [
      'timestamptz(3)',
      'TIMESTAMP',
      "TIMESTAMP '2024-01-01 00:00:00.1231+00'",
      "TIMESTAMP '2024-01-01 00:00:00.1232+00'",
    ],
  ])('%s', async (type, source, one, other) => {
    await using world = await openKeyed(
      source,
      `CREATE EXTENSION IF NOT EXISTS citext; ${keyed(type)}`,
    );
    const { sql } = world.database;
    await add(world, [one, 'one', '01:00:00']);
    await well(world.run());
    const before = await namesOf(world);
    for (const code of ['KEYS_EQUAL_IN_TARGET', 'CONSTRAINT_VIOLATED']) {
      await add(world, [one, 'one', '02:00:00'], [other, 'other', '03:00:00']);
      const error = await refused(world.run(), code);
      expect(await namesOf(world)).toEqual(before);
      const query = /SELECT .*?> 1/.exec(String(error['hint']))?.[0] ?? '';
      const [found] = await world.google.sql(query);
      expect(Number(Object.values(found ?? {}).at(-1))).toBeGreaterThan(1);
      await sql`UPDATE sync_state SET last_synced_at = NULL`;
    }
  });
});

test('a primary key that BigQuery declares becomes that of a new target, and upserts', async () => {
  await using world = await openWorld([{ name: 'id', type: 'INTEGER' }, NAME, AT], {
    tableConstraints: { primaryKey: { columns: ['id'] } },
  });
  await add(world, ['1', 'old', '01:00:00'], ['1', 'new', '02:00:00']);
  expect((await well(world.run())).summary).toMatchObject({ rows: 1, rowsLeftOut: 1 });
  const [key] = await world.database.sql`SELECT conname AS name, pg_get_constraintdef(oid) AS text
    FROM pg_constraint WHERE conrelid = 'target'::regclass AND contype = 'p'`;
  expect(key).toEqual({ name: 'target_pkey', text: 'PRIMARY KEY (id)' });
  await add(world, ['1', 'newer', '03:00:00']);
  await well(world.run());
  expect(await namesOf(world)).toEqual(['1 newer']);
});

describe('an upsert takes over the spelling of a key that is equal:', () => {
  test.each([
    ['citext', 'STRING', "'Gene'", "'GENE'", 'GENE'],
    ['numeric', 'STRING', "'1.0'", "'1.00'", '1.00'],
    ['double precision', 'FLOAT', '0.0', '-0.0', '-0'],
  ])('%s', async (type, source, before, after, text) => {
    await using world = await openKeyed(
      source,
      `CREATE EXTENSION IF NOT EXISTS citext; ${keyed(type)}`,
    );
    await add(world, [before, 'before', '01:00:00']);
    await well(world.run());
    await add(world, [after, 'after', '02:00:00']);
    await well(world.run());
    expect(await namesOf(world)).toEqual([`${text} after`]);
  });
});

test('a key that was dropped since the last run is a warning: rows are appended from now on', async () => {
  await using world = await openKeyed('INTEGER', keyed('bigint'));
  await add(world, ['1', 'one', '01:00:00']);
  await well(world.run());
  await world.database.sql`ALTER TABLE target DROP CONSTRAINT target_pkey`;
  await add(world, ['1', 'again', '02:00:00']);
  const { warnings } = await well(world.run());
  expect(warnings).toEqual([
    expect.stringContaining('had the primary key (id) at the last run and has none now'),
  ]);
  expect(await namesOf(world)).toEqual(['1 again', '1 one']);
  await add(world, ['2', 'two', '03:00:00']);
  expect((await well(world.run())).warnings).toEqual([]);
});

test('a key that was added since the last run replaces rows from now on', async () => {
  await using world = await openKeyed(
    'INTEGER',
    'CREATE TABLE target (id bigint, name text, max_ingested_at timestamptz)',
  );
  await add(world, ['1', 'one', '01:00:00']);
  await well(world.run());
  await world.database.sql`ALTER TABLE target ADD PRIMARY KEY (id)`;
  await add(world, ['1', 'again', '02:00:00']);
  await well(world.run());
  expect(await namesOf(world)).toEqual(['1 again']);
});
