import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { connect } from 'node:net';
import { createFolder } from './folder.ts';
import { freePort, serverOwner } from './server.ts';

/** A running PgBouncer, as Debian packages it. */
export interface PgBouncer extends AsyncDisposable {
  readonly port: number;
  /** `uri` with the pooler in the place of the server. */
  through(uri: string): string;
  /** Kills it, and starts it again. */
  restart(): Promise<void>;
}

export interface PgBouncerOptions {
  readonly mode: 'session' | 'transaction' | 'statement';
  /** The port of the server on 127.0.0.1. */
  readonly port: number;
  /** Connections to the server, for each user and database; 20 if not said. */
  readonly poolSize?: number;
}

/** Starts a pooler that takes every user without a password. */
export async function startPgBouncer(options: PgBouncerOptions): Promise<PgBouncer> {
  const folder = createFolder();
  chmodSync(folder.path, 0o755);
  const port = await freePort();
  const users = folder.write('users.txt', '"postgres" ""\n', 0o644);
  const settings = `
    [databases]
    * = host=127.0.0.1 port=${options.port}
    [pgbouncer]
    listen_addr = 127.0.0.1
    listen_port = ${port}
    unix_socket_dir =
    auth_type = trust
    auth_file = ${users}
    pool_mode = ${options.mode}
    default_pool_size = ${options.poolSize ?? 20}
    server_login_retry = 1
  `;
  const file = folder.write('pgbouncer.ini', settings.replaceAll(/^ +/gm, ''), 0o644);
  let pooler = await startProcess(file, folder.path, port);
  return {
    port,
    through: (uri) => uri.replace(`:${options.port}/`, `:${port}/`),
    async restart() {
      await end(pooler, 'SIGKILL');
      pooler = await startProcess(file, folder.path, port);
    },
    async [Symbol.asyncDispose]() {
      await end(pooler, 'SIGTERM');
      folder[Symbol.dispose]();
    },
  };
}

/** Resolves when it listens on `port`, or has ended. */
async function startProcess(file: string, cwd: string, port: number): Promise<ChildProcess> {
  const pooler = spawn('/usr/sbin/pgbouncer', ['--quiet', file], {
    ...serverOwner(),
    cwd,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  while (pooler.exitCode === null && !(await listens(port))) await Bun.sleep(20);
  return pooler;
}

async function end(pooler: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const ended = new Promise((resolve) => pooler.once('exit', resolve));
  if (pooler.kill(signal)) await ended;
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => socket.end(() => resolve(true)));
    socket.once('error', () => resolve(false));
  });
}
