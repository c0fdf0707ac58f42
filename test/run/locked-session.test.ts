import { expect, test } from 'bun:test';
import { terminalReport } from '../../src/report/terminal.ts';
import { LockedSession } from '../../src/run/locked-session.ts';
import { sharedPostgres } from '../server/shared.ts';
import { connectAs } from '../swap/swap-fixture.ts';

/** A report that keeps its warnings. */
function listen() {
  const warned: string[] = [];
  const warn = (text: string) => warned.push(text);
  return { ...terminalReport(), info: () => undefined, warn, warned };
}

const REQUEST = {
  target: { schema: 'public', name: 't' },
  tables: undefined,
  signal: new AbortController().signal,
  requireOurs: async () => undefined,
  cancel: async () => undefined,
  isOnlyConnection: false,
};

test('a deadlock is tried again on the same session, and not told as a connection that was lost', async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  const pool = connectAs(database.uri, 'postgres', 3);
  const report = listen();
  const locked = await LockedSession.open(pool, await pool.reserve(), REQUEST, report);
  const backends: unknown[] = [];
  await locked.run(async (session) => {
    const [row] = await session`SELECT pg_backend_pid() AS pid`;
    backends.push(row?.['pid']);
    if (backends.length > 1) return;
    await session.unsafe(`DO $$ BEGIN RAISE 'entangled' USING ERRCODE = '40P01'; END $$`);
  });
  expect(new Set(backends).size).toBe(1);
  expect(report.warned).toEqual(['PostgreSQL said: entangled; trying again']);
  await locked.close();
  await pool.end({ timeout: 0 });
});

test('a signal that comes while the lock is had again is seen before anything is done', async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  const pool = connectAs(database.uri, 'postgres', 3);
  const stop = new AbortController();
  const requireOurs = async () => stop.abort(new Error('called off'));
  const request = { ...REQUEST, signal: stop.signal, requireOurs };
  const locked = await LockedSession.open(pool, await pool.reserve(), request, listen());
  let tries = 0;
  const work = locked.run(async (session) => {
    tries += 1;
    await session`SELECT pg_terminate_backend(pg_backend_pid())`;
  });
  await expect(work).rejects.toThrow('called off');
  expect(tries).toBe(1);
  await locked.close();
  await pool.end({ timeout: 0 });
});

test('the only connection is for others to use in between, and is locked again when it was lost', async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  const pool = connectAs(database.uri, 'postgres', 1);
  const report = listen();
  const request = { ...REQUEST, isOnlyConnection: true };
  const locked = await LockedSession.open(pool, await pool.reserve(), request, report);
  const isLocked = async () =>
    (await database.sql`SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted`).length;
  const backend = () =>
    locked.run(async (session) => (await session`SELECT pg_backend_pid() AS pid`)[0]);
  const before = await backend();
  expect([...(await pool`SELECT pg_backend_pid() AS pid`)]).toEqual([before as never]);
  expect(await isLocked()).toBe(1);
  expect(await locked.runOnce(async () => 'held')).toBe('held');
  await database.sql`SELECT pg_terminate_backend(${before?.['pid']})`;
  while ((await isLocked()) > 0) await Bun.sleep(5);
  await expect(locked.runOnce(async () => 'held')).rejects.toThrow('lost');
  expect(await backend()).not.toEqual(before);
  expect(await isLocked()).toBe(1);
  await locked.close();
  await pool.end({ timeout: 0 });
});
