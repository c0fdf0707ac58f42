import { expect, test } from 'bun:test';
import { readConnection } from '../../src/postgres/connection/connection.ts';
import { cancellable } from '../../src/swap/cancellable-query.ts';
import { startProxy } from '../faults/proxy.ts';
import { connectPostgres } from '../server/connect.ts';
import { sharedPostgres } from '../server/shared.ts';

const REASON = new Error('called off');

/** A statement of ten minutes by way of a proxy, and what calls it off. */
async function startLong() {
  const database = await (await sharedPostgres()).createDatabase();
  const proxy = await startProxy(Number(new URL(database.uri).port));
  const connection = readConnection(proxy.through(database.uri), {});
  const sql = await connectPostgres(connection, { maxConnections: 1, applicationName: 'test' });
  const stop = new AbortController();
  const sent = proxy.trap({ when: /pg_sleep/, what: 'mute' });
  const work = cancellable(sql.unsafe('SELECT pg_sleep(600)'), stop.signal);
  work.catch(() => undefined);
  await sent;
  const end = async () => {
    await sql.end({ timeout: 0 });
    await proxy[Symbol.asyncDispose]();
    await database.drop();
  };
  return { database, proxy, stop, work, [Symbol.asyncDispose]: end };
}

test('a statement that is called off ends on the server', async () => {
  await using long = await startLong();
  long.stop.abort(REASON);
  const running = async () =>
    await long.database.sql`SELECT FROM pg_stat_activity
      WHERE application_name = 'test' AND state = 'active'`;
  while ((await running()).length > 0) await Bun.sleep(10);
  long.proxy.cut();
  await expect(long.work).rejects.toBe(REASON);
});

test('an unreachable server does not end the process when a statement is called off', async () => {
  await using long = await startLong();
  long.proxy.refuse(true);
  long.stop.abort(REASON);
  await Bun.sleep(100); // an unhandled rejection would fail the test by now
  long.proxy.cut();
  await expect(long.work).rejects.toBe(REASON);
});
