import { expect, test } from 'bun:test';
import postgres from 'postgres';
import { sharedPostgres } from '../server/shared.ts';

test('sessions reserved as the first thing of a pool come at once, each with a backend of its own', async () => {
  const server = await sharedPostgres();
  await using database = await server.createDatabase();
  const sql = postgres(database.uri, { max: 3, fetch_types: false });
  const sessions = await Promise.all([sql.reserve(), sql.reserve(), sql.reserve()]);
  const backends = await Promise.all(
    sessions.map((session) => session.unsafe('SELECT pg_backend_pid() AS pid')),
  );
  expect(new Set(backends.map(([row]) => row?.['pid'])).size).toBe(3);
  for (const session of sessions) session.release();
  await sql.end();
});

test('a reservation that waits for a session gets one when a session is lost', async () => {
  const server = await sharedPostgres();
  await using database = await server.createDatabase();
  const sql = postgres(database.uri, { max: 2, fetch_types: false });
  const [kept, lost] = await Promise.all([sql.reserve(), sql.reserve()]);
  const [row] = await lost.unsafe('SELECT pg_backend_pid() AS pid');
  const waiting = sql.reserve();
  await database.sql`SELECT pg_terminate_backend(${row?.['pid']})`;
  const session = await Promise.race([waiting, Bun.sleep(5000)]);
  expect((await session?.unsafe('SELECT 1 AS one'))?.[0]?.['one']).toBe(1);
  session?.release();
  kept.release();
  await sql.end();
});
