import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { SERVER_VERSIONS } from '../server/binaries.ts';
import { startPostgres, type TestServer } from '../server/server.ts';
import { testPartitionedTargets } from './partitioned-target.ts';
import { installPgDump, type PgDump } from './pg-dump.ts';
import { connectAs, fullLoad, LOADER, makeTablespace, sameRows, script } from './swap-fixture.ts';
import { STAGING_NAME, TARGETS } from './tree-targets.ts';

let pgDump: PgDump;

beforeAll(() => {
  pgDump = installPgDump();
}, 300_000);

afterAll(() => pgDump[Symbol.dispose]());

for (const version of SERVER_VERSIONS) {
  describe(`on PostgreSQL ${version}`, () => {
    let server: TestServer;
    beforeAll(async () => {
      server = await startPostgres({ version });
    });
    afterAll(() => server.stop());

    test('pg_dump --schema-only says the same before and after a full load of each part of a tree', async () => {
      await using database = await server.createDatabase();
      const { sql, uri } = database;
      await sql.unsafe(script('rich-roles.sql', version));
      if (version >= 15) await makeTablespace(uri);
      await sql.unsafe(script('rich-tree.sql', version));
      const loader = connectAs(uri, LOADER);
      const before = pgDump.schemaOf(uri);
      expect(before).toContain('ATTACH PARTITION');
      for (const target of TARGETS) {
        const staging = { schema: target.schema, name: STAGING_NAME };
        const rows = await sameRows(sql, target);
        const { lockHeldMs } = await fullLoad(loader, { target, staging, rows });
        console.log(
          `PostgreSQL ${version}, ${target.schema}.${target.name}: lock held ${lockHeldMs.toFixed(0)} ms`,
        );
        expect({ target, dump: pgDump.schemaOf(uri) }).toEqual({ target, dump: before });
      }
      await loader.end();
    }, 300_000);

    testPartitionedTargets(async () => server, 'each');
  });
}
