import { expect, test } from 'bun:test';
import { openLoadedWorld, openWorld } from '../scenarios/fixture.ts';
import { exportJobs } from '../scenarios/inspect.ts';

test.each(['sync_state', 'sync_runs', 'sync_splits'])(
  'a table %s that is somebody else’s is refused by its shape, and the statement of the hint mends it',
  async (table) => {
    await using world = await openWorld();
    const { sql } = world.database;
    await world.google.sql(`INSERT INTO source.rows VALUES (1, 'one', NULL)`);
    await sql.unsafe(`CREATE TABLE ${table} (host text, at timestamptz)`);
    const { exitCode, lines } = await world.run();
    expect(exitCode).toBe(1);
    const error = lines.at(-1);
    expect(error).toMatchObject({ severity: 'ERROR', code: 'BAD_SYNC_STATE' });
    expect(error?.message).toContain(
      `"public"."${table}" is not this program's: it has (host text`,
    );
    expect(exportJobs(world)).toEqual([]);
    const [statement = ''] = /ALTER TABLE .*;/.exec(String(error?.['hint'])) ?? [];
    await sql.unsafe(statement);
    expect((await world.run()).exitCode).toBe(0);
  },
);

test('a column that a later release has added is none of a run’s business', async () => {
  await using world = await openLoadedWorld();
  await world.database.sql`ALTER TABLE sync_runs ADD mood text`;
  expect((await world.run()).exitCode).toBe(0);
});
