import { expect, test } from 'bun:test';
import { openControl } from '../src/control.ts';
import { terminalReport } from '../src/report/terminal.ts';
import { sharedPostgres } from './postgres/shared.ts';
import { connectAs } from './swap/fixture.ts';

test('a signal that comes while the lock is had again is seen before anything is done', async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  const pool = connectAs(database.uri, 'postgres', 3);
  const stop = new AbortController();
  const wish = {
    target: { schema: 'public', name: 't' },
    tables: undefined,
    signal: stop.signal,
    requireOurs: async () => stop.abort(new Error('called off')),
  };
  const silent = { ...terminalReport(), info: () => undefined, warn: () => undefined };
  const control = await openControl(pool, await pool.reserve(), wish, silent);
  let tries = 0;
  const work = control.run(async (session) => {
    tries += 1;
    await session`SELECT pg_terminate_backend(pg_backend_pid())`;
  });
  await expect(work).rejects.toThrow('called off');
  expect(tries).toBe(1);
  await control.close();
  await pool.end({ timeout: 0 });
});
