import { expect, test } from 'bun:test';
import { chmodSync, cpSync, existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { nativeDirectory } from './binaries.ts';
import { createFolder } from './folder.ts';
import { startPostgres } from './server.ts';
import { sharedPostgres } from './shared.ts';

/** Starts a server from the binaries in its first argument. */
const SCRIPT = `
  const { startPostgres } = await import(${JSON.stringify(import.meta.resolve('./server.ts'))});
  const { pid } = await startPostgres({ native: process.argv[1] });
  console.log(pid);
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

/** Starts a server in a process of its own, and kills that: the server ends, and no file is left. */
async function startAndKill(native: string): Promise<void> {
  using temporary = createFolder();
  chmodSync(temporary.path, 0o1777);
  const parent = Bun.spawn([process.execPath, '-e', SCRIPT, native], {
    stdout: 'pipe',
    stderr: 'inherit',
    env: { ...process.env, TMPDIR: temporary.path },
  });
  const { value } = await parent.stdout.getReader().read();
  const pid = Number(new TextDecoder().decode(value));
  const left = () => readdirSync(temporary.path);
  expect([isRunning(pid), left().length > 0]).toEqual([true, true]);
  parent.kill('SIGKILL');
  while (isRunning(pid) || left().length > 0) await Bun.sleep(10);
}

test('a server dies with the process that started it, and leaves nothing behind', async () => {
  await startAndKill(nativeDirectory(18));
}, 60_000);

test('a server starts from a place that only its owner may enter, and leaves nothing behind', async () => {
  using home = createFolder();
  const native = join(home.path, 'native');
  cpSync(nativeDirectory(18), native, { recursive: true, verbatimSymlinks: true });
  expect(statSync(home.path).mode & 0o777).toBe(0o700);
  await startAndKill(native);
}, 60_000);

test('stop removes all of a server, and can be called twice', async () => {
  const server = await startPostgres({ settings: { max_connections: '20' } });
  const { sql } = await server.createDatabase();
  expect([...(await sql`SHOW max_connections`)]).toEqual([{ max_connections: '20' }]);
  await server.stop();
  await server.stop();
  expect([isRunning(server.pid), existsSync(server.socketDirectory)]).toEqual([false, false]);
}, 60_000);

test('the shared memory of a server that is killed goes with its directory', async () => {
  const server = await startPostgres();
  const { sql } = await server.createDatabase();
  const [row] = await sql`SELECT count(*)::int AS files FROM pg_ls_dir('pg_dynshmem')`;
  expect(row?.['files']).toBeGreaterThan(0);
  process.kill(server.pid, 'SIGKILL');
  await server.stop();
  expect(existsSync(server.socketDirectory)).toBe(false);
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
