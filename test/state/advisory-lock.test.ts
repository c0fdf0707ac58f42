import { expect, test } from 'bun:test';
import { lockKey, lockTarget } from '../../src/state/advisory-lock.ts';
import { sharedPostgres } from '../server/shared.ts';
import { failureOf } from '../swap/objects-fixture.ts';
import { connectAs } from '../swap/swap-fixture.ts';

const TARGET = { schema: 'public', name: 't' };

test("a lock that another role's session holds is told without what that role hides", async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  const { sql, uri } = database;
  await sql.unsafe(`DROP ROLE IF EXISTS lock_watcher; CREATE ROLE lock_watcher LOGIN`);
  await sql.begin(async (holder) => {
    await holder.unsafe(`SET LOCAL application_name = 'psql';
      SELECT pg_advisory_xact_lock(${lockKey(TARGET)})`);
    const pool = connectAs(uri, 'lock_watcher', 1);
    const session = await pool.reserve();
    const wish = { target: TARGET, tables: undefined, formerBackends: new Set<number>() };
    const signal = new AbortController().signal;
    const { code, message } = await failureOf(lockTarget(session, { ...wish, signal }));
    expect(code).toBe('TARGET_BUSY');
    expect(message).toMatch(/: a session named "psql", by backend \d+$/);
    session.release();
    await pool.end();
  });
  await sql.unsafe('DROP ROLE lock_watcher');
});
