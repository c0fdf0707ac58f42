import { describe, expect, test } from 'bun:test';
import { openLoadedWorld, SCHEMA } from '../scenarios/fixture.ts';
import { exportJobs, watermarks } from '../scenarios/inspect.ts';
import {
  addRows,
  expectSameRows,
  ownedBy,
  refused,
  statementOf,
  targetRows,
  well,
  whileAskedToExport,
} from './truth-fixture.ts';

test.each(['nothing is new', 'there are new rows'])(
  'a target that is gone is refused where %s, and its statement brings it back',
  async (what) => {
    await using world = await openLoadedWorld();
    const { sql } = world.database;
    if (what === 'nothing is new') await well(world.run());
    await sql`DROP TABLE target`;
    const error = await refused(world.run(), 'TARGET_MISSING');
    await sql.unsafe(statementOf(error, 'UPDATE'));
    expect((await well(world.run())).summary).toMatchObject({ mode: 'full', rows: 2 });
    await expectSameRows(world);
  },
);

test.each(['nothing is new', 'there are new rows'])(
  'an unlogged target is refused where %s: a crash empties it',
  async (what) => {
    await using world = await openLoadedWorld();
    const { sql } = world.database;
    if (what === 'nothing is new') await well(world.run());
    await sql`ALTER TABLE target SET UNLOGGED`;
    const before = await targetRows(world);
    const error = await refused(world.run(), 'UNLOGGED_TARGET');
    expect(await targetRows(world)).toEqual(before);
    expect(error['hint']).toContain('ALTER TABLE "public"."target" SET LOGGED');
    await sql.unsafe('ALTER TABLE "public"."target" SET LOGGED');
    await well(world.run());
    await expectSameRows(world);
  },
);

const DROPS = `CREATE FUNCTION drops() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN IF NEW.id = 2 THEN RETURN NULL; END IF; RETURN NEW; END';
  CREATE TRIGGER swallows BEFORE INSERT ON target FOR EACH ROW EXECUTE FUNCTION drops()`;

test.each([
  ['an append', 'SELECT'],
  ['an upsert', 'ALTER TABLE target ADD PRIMARY KEY (id)'],
  [
    'an insert under row security',
    `CREATE POLICY all_rows ON target USING (true);
     ALTER TABLE target ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`,
  ],
])('a trigger that drops rows of %s ends the run, by its name', async (_kind, setUp) => {
  await using world = await openLoadedWorld();
  const { sql, name } = world.database;
  await using owner = await ownedBy(world, `owner_${name}`);
  await sql.unsafe(`${setUp}; ${DROPS}`);
  await addRows(world, [3, 'three', 3]);
  const { flags } = owner;
  const before = await targetRows(world);
  const { message } = await refused(world.run(flags), 'ROWS_SWALLOWED');
  expect(message).toContain('1 of the rows that were sent to "public"."target" did not arrive');
  expect(message).toContain('trigger swallows');
  expect(await targetRows(world)).toEqual(before);
  expect(await watermarks(world)).toEqual(['(target,"2024-01-01 00:00:00")']);
  await sql`DROP TRIGGER swallows ON target`;
  await well(world.run(flags));
  await expectSameRows(world);
});

describe('a rule on INSERT, where row security holds for the owner and rows go by INSERT,', () => {
  const RULES = {
    'that does nothing': 'CREATE RULE away AS ON INSERT TO target DO INSTEAD NOTHING',
    'that puts rows elsewhere':
      'CREATE TABLE elsewhere (LIKE target); CREATE RULE away AS ON INSERT TO target DO INSTEAD INSERT INTO elsewhere VALUES (NEW.*)',
  };
  test.each(Object.entries(RULES))('%s loses no row', async (_what, rule) => {
    await using world = await openLoadedWorld();
    const { sql, name } = world.database;
    await using owner = await ownedBy(world, `owner_${name}`);
    await sql.unsafe(`CREATE POLICY all_rows ON target USING (true);
      ALTER TABLE target ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; ${rule}`);
    const { flags } = owner;
    const before = await targetRows(world);
    const error = await refused(world.run(flags), 'CANNOT_UPSERT');
    expect(error.message).toContain('rule "away"');
    expect(await targetRows(world)).toEqual(before);
    expect(exportJobs(world)).toHaveLength(1);
    await sql.unsafe('DROP RULE away ON target');
    await well(world.run(flags));
    await expectSameRows(world);
  });

  test.each(Object.entries(RULES))(
    '%s, made while the run exports, is found in the transaction',
    async (_what, rule) => {
      await using world = await openLoadedWorld();
      const { sql, name } = world.database;
      await using owner = await ownedBy(world, `owner_${name}`);
      await sql.unsafe(`CREATE POLICY all_rows ON target USING (true);
        ALTER TABLE target ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`);
      const { flags } = owner;
      const before = await targetRows(world);
      const outcome = whileAskedToExport(
        world,
        () => sql.unsafe(rule),
        () => world.start(flags),
      );
      const error = await refused(outcome, 'ROWS_SWALLOWED');
      expect(error.message).toContain('rule away');
      expect(await targetRows(world)).toEqual(before);
    },
  );
});

test('a row access policy that hides all new rows is told, where nothing seems to be new', async () => {
  await using world = await openLoadedWorld();
  const { google } = world;
  await google.createTable('source', 'guarded', SCHEMA, { hidden: { rows: 'id < 2' } });
  await google.sql('INSERT INTO source.guarded SELECT * FROM source.rows');
  const flags = { 'bq-table': 'guarded', 'pg-table': 'guarded' };
  await well(world.run(flags));
  const { summary, warnings } = await well(world.run(flags));
  expect(summary).toMatchObject({ mode: 'nothing new' });
  expect(warnings).toEqual([
    expect.stringContaining('has row access policies: only rows that they show'),
  ]);
  expect(await targetRows(world, 'guarded')).toHaveLength(1);
});
