import { expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { startPostgres } from './server.ts';
import { sharedPostgres } from './shared.ts';

const SCRIPT = `
  const { startPostgres } = await import(${JSON.stringify(import.meta.resolve('./server.ts'))});
  const { pid, socketDirectory } = await startPostgres();
  console.log(JSON.stringify({ pid, socketDirectory }));
  setInterval(() => undefined, 1000);
`;

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('a server dies with the process that started it, and leaves nothing behind', async () => {
  const parent = Bun.spawn([process.execPath, '-e', SCRIPT], { stdout: 'pipe', stderr: 'inherit' });
  const reader = parent.stdout.getReader();
  const { value } = await reader.read();
  const { pid, socketDirectory } = JSON.parse(new TextDecoder().decode(value));
  expect([isRunning(pid), existsSync(socketDirectory)]).toEqual([true, true]);
  parent.kill('SIGKILL');
  while (isRunning(pid) || existsSync(socketDirectory)) await Bun.sleep(10);
}, 60_000);

test('stop removes all of a server, and can be called twice', async () => {
  const server = await startPostgres({ settings: { max_connections: '20' } });
  const { sql } = await server.createDatabase();
  expect([...(await sql`SHOW max_connections`)]).toEqual([{ max_connections: '20' }]);
  await server.stop();
  await server.stop();
  expect([isRunning(server.pid), existsSync(server.socketDirectory)]).toEqual([false, false]);
}, 60_000);

test('a server that cannot start tells its log', async () => {
  const failure = startPostgres({ settings: { shared_buffers: 'nonsense' } });
  await expect(failure).rejects.toThrow('invalid value for parameter "shared_buffers"');
}, 60_000);

test('databases are empty, apart, and gone when dropped', async () => {
  const server = await sharedPostgres();
  const [one, two] = await Promise.all([server.createDatabase(), server.createDatabase()]);
  await one.sql`CREATE TABLE t ()`;
  expect([...(await two.sql`SELECT to_regclass('t') AS t`)]).toEqual([{ t: null }]);
  await one.drop();
  await one.drop();
  const [left] = await two.sql`SELECT count(*) FROM pg_database WHERE datname = ${one.name}`;
  expect(left?.['count']).toBe('0');
  await two.drop();
});
