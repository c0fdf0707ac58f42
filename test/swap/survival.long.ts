import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { SERVER_VERSIONS } from '../server/binaries.ts';
import { startPostgres } from '../server/server.ts';
import { installPgDump, type PgDump } from './pg-dump.ts';
import { connectAs, fullLoad, LOADER, makeTablespace, sameRows, script } from './swap-fixture.ts';

const TARGET = { schema: 'Sales', name: 'Orders' };
const STAGING = { schema: 'Sales', name: 'Orders__staging' };

let pgDump: PgDump;

beforeAll(() => {
  pgDump = installPgDump();
}, 300_000);

afterAll(() => pgDump[Symbol.dispose]());

describe('pg_dump --schema-only of the whole database says the same before and after a full load', () => {
  for (const version of SERVER_VERSIONS) {
    test(`on PostgreSQL ${version}`, async () => {
      await using server = await startPostgres({ version });
      await using database = await server.createDatabase();
      const { sql, uri } = database;
      await sql.unsafe(script('rich-roles.sql', version));
      if (version >= 15) await makeTablespace(uri);
      await sql.unsafe(script('rich.sql', version));
      const loader = connectAs(uri, LOADER);
      const before = pgDump.schemaOf(uri);
      expect(before).toContain('CREATE TABLE "Sales"."Orders"');
      const rows = await sameRows(sql, TARGET);
      const swapped = await fullLoad(loader, { target: TARGET, staging: STAGING, rows });
      await loader.end();
      console.log(
        `PostgreSQL ${version}: lock held ${swapped.lockHeldMs.toFixed(0)} ms: ${swapped.reasons.join(', ')}`,
      );
      expect(pgDump.schemaOf(uri)).toBe(before);
    }, 300_000);
  }
});
