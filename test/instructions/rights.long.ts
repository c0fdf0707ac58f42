import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { openWorld, SCHEMA } from '../scenarios/fixture.ts';
import { leftovers, NOTHING_LEFT, rowsOf } from '../scenarios/inspect.ts';
import { SERVER_VERSIONS } from '../server/binaries.ts';
import { startPostgres } from '../server/server.ts';

/** What the instructions have the administrator run for the user of the program. */
async function documentedGrant(role: string): Promise<string> {
  const text = await Bun.file(join(import.meta.dir, '../../postgres/instructions.md')).text();
  const [, grant = ''] = /-c "(GRANT USAGE, CREATE ON SCHEMA .*)"$/m.exec(text) ?? [];
  expect(grant).toContain('$DB_USER');
  return grant.replaceAll('\\"', '"').replace('$DB_USER', role);
}

test.each(SERVER_VERSIONS)(
  'a role with nothing but the documented rights loads, reloads and upserts, on PostgreSQL %i',
  async (version) => {
    await using server = await startPostgres({ version });
    await using world = await openWorld(
      SCHEMA,
      { tableConstraints: { primaryKey: { columns: ['id'] } } },
      async () => server,
    );
    const { google, database } = world;
    await database.sql.unsafe(`REVOKE ALL ON SCHEMA public FROM PUBLIC; CREATE ROLE sync LOGIN;
      ${await documentedGrant('sync')}`);
    const flags = { 'pg-conn': database.uri.replace('postgres@', 'sync@') };
    const run = async () => {
      const { exitCode, text } = await world.run(flags);
      expect({ exitCode, text }).toEqual({ exitCode: 0, text });
    };
    const add = (id: number, name: string, day: number) =>
      google.sql(`DELETE FROM source.rows WHERE id = ${id};
        INSERT INTO source.rows VALUES (${id}, '${name}', TIMESTAMP '2024-01-0${day} 00:00:00+00')`);
    await add(1, 'one', 1);
    await run();
    await add(1, 'one again', 2);
    await add(2, 'two', 2);
    await run();
    await database.sql.unsafe(`SET ROLE sync; CREATE INDEX ON target (name);
      CREATE VIEW names AS SELECT name FROM target; CREATE MATERIALIZED VIEW kept AS TABLE names;
      UPDATE sync_state SET last_synced_at = NULL; RESET ROLE`);
    await add(3, 'three', 3);
    await run();
    expect(await rowsOf(world, 'kept')).toEqual(['("one again")', '(three)', '(two)']);
    expect(await leftovers(world)).toEqual(NOTHING_LEFT);
  },
  120_000,
);
