import { expect, test } from 'bun:test';
import { startProxy, type TcpProxy } from '../faults/proxy.ts';
import { openWorld } from './fixture.ts';

/** A proxy before the database of a world, which is closed with it. */
async function openBehindProxy() {
  await using stack = new AsyncDisposableStack();
  const world = stack.use(await openWorld());
  const proxy = stack.use(await startProxy(Number(new URL(world.database.uri).port)));
  const opened = stack.move();
  return { world, proxy, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

test.each<[string, string, (proxy: TcpProxy, isAway: boolean) => void]>([
  ['turns connections down', '', (proxy, isAway) => proxy.refuse(isAway)],
  ['does not answer', '?connect_timeout=1', (proxy, isAway) => proxy.stall(isAway)],
])('a server that at first %s is waited for, with a warning', async (_, query, away) => {
  await using behind = await openBehindProxy();
  const { world, proxy } = behind;
  away(proxy, true);
  const run = world.start({ 'pg-conn': proxy.through(world.database.uri) + query });
  await run.logged('trying again for up to 2 minutes');
  away(proxy, false);
  proxy.cut();
  const { exitCode, lines, text } = await run.outcome;
  expect({ exitCode, text }).toEqual({ exitCode: 0, text });
  expect(lines.find(({ message }) => message.includes('trying again'))?.severity).toBe('WARNING');
});

test('a server that has no connection left is waited for, and its own words are told', async () => {
  await using world = await openWorld();
  const { sql, name, uri } = world.database;
  await sql.unsafe(`CREATE ROLE late_${name} LOGIN CONNECTION LIMIT 0;
    GRANT CREATE ON SCHEMA public TO late_${name}`);
  const run = world.start({ 'pg-conn': uri.replace('postgres@', `late_${name}@`) });
  await run.logged('trying again for up to 10 minutes');
  await sql.unsafe(`ALTER ROLE late_${name} CONNECTION LIMIT -1`);
  const { exitCode, text } = await run.outcome;
  expect({ exitCode, text }).toEqual({ exitCode: 0, text });
  expect(text).toContain('too many connections for role');
  await sql.unsafe(`DROP OWNED BY late_${name}; DROP ROLE late_${name}`);
});

test('a port on which nothing listens is told at once, with what to do, and a signal ends the wait', async () => {
  await using world = await openWorld();
  const run = world.start({ 'pg-conn': 'postgres://u@127.0.0.1:1/db' });
  await run.logged('Check the host and port of --pg-conn');
  run.kill('SIGINT');
  expect((await run.outcome).exitCode).toBe(130);
});

test('a host without an address, and a server of another kind, are not waited for', async () => {
  await using world = await openWorld();
  for (const [uri, code] of [
    ['postgres://u@no-such-host.invalid/db', 'NO_SUCH_HOST'],
    [`${world.database.uri}?target_session_attrs=standby`, 'WRONG_SERVER'],
  ] as const) {
    const { exitCode, text } = await world.run({ 'pg-conn': uri });
    expect(exitCode).toBe(1);
    expect(text).toContain(code);
    expect(text).not.toContain('trying again');
  }
});
