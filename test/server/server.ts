import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { nativeDirectory, reachableBinaries, type ServerVersion } from './binaries.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import type { Owner } from './kept-folder.ts';
import { readUntilNow, whenReady } from './server-log.ts';
import { copyAsStandby, type Primary, primaryConninfo } from './standby.ts';

/** The password of the superuser `postgres`, for servers that ask for one. */
export const SERVER_PASSWORD = 'correct horse';

export interface ServerOptions {
  /** The directory for the server's own one; that for temporary files if not said. */
  readonly parent?: string;
  /** The major version; 18 if not said. */
  readonly version?: ServerVersion;
  /** The directory with `bin`, `lib` and `share`, instead of the version's own. */
  readonly native?: string;
  /** The directory around `native`, where its libraries lie beside it. */
  readonly nativeWhole?: string;
  /** A running server of the same version, which this one follows until it is promoted. */
  readonly standbyOf?: Primary;
  /** Variables of the server's environment, beside those that it always has. */
  readonly env?: Readonly<Record<string, string>>;
  readonly settings?: Readonly<Record<string, string>>;
  /**
   * How TCP connections log in, as pg_hba.conf writes it: `trust` if not said. The superuser always
   * gets in by the Unix socket without a password.
   */
  readonly auth?: 'trust' | 'scram-sha-256' | 'md5' | 'password';
  /** Lines of pg_hba.conf that come before those that `auth` makes. */
  readonly hba?: readonly string[];
  /** PEM texts: with them, the server talks TLS. `clientCa` is what client certificates are checked by. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly clientCa?: string };
}

export interface TestServer extends AsyncDisposable {
  readonly port: number;
  /** The directory of the Unix socket. */
  readonly socketDirectory: string;
  /** The URI of the database `postgres` for the superuser, by TCP. */
  readonly uri: string;
  /** The process id of the postmaster. */
  readonly pid: number;
  /** A new, empty database of its own. */
  createDatabase(): Promise<TestDatabase>;
  /** What the server has logged until now (the last 64 KiB). */
  log(): Promise<string>;
  /** Stops the server and removes all that it wrote. Can be called twice. */
  stop(): Promise<void>;
}

/**
 * Settings that are quick rather than durable: a test's data need not outlive the machine. With the
 * rest at the defaults the planner and the limits are those that users have.
 */
const QUICK_SETTINGS = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_wal_size: '4GB',
  log_timezone: 'UTC',
  timezone: 'UTC',
};

/**
 * The shell that owns the server: it stops it and removes its directory once its standard input is
 * closed, which also happens when the process that started it is killed.
 */
const SUPERVISOR = `
trap '' INT TERM HUP
"$@" &
server=$!
echo $server
exec >/dev/null 2>&1
cat
kill -QUIT $server
wait $server
rm -rf "$DIRECTORY"
`;

/** Starts a PostgreSQL server on a free port, in a temporary directory of its own. */
export async function startPostgres(options: ServerOptions = {}): Promise<TestServer> {
  const directory = mkdtempSync(join(options.parent ?? tmpdir(), 'bq-to-postgres-server-'));
  const owner = serverOwner();
  chmodSync(directory, 0o755);
  chownSync(directory, owner.uid, owner.gid);
  try {
    const native = options.native ?? nativeDirectory(options.version ?? 18);
    const binaries = join(await reachableBinaries(native, owner, options.nativeWhole), 'bin');
    await initialise(binaries, directory, owner, options);
    return await launch(binaries, directory, owner, options);
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    throw error;
  }
}

/** The server refuses to run as root; `nobody` exists on every machine, so no user is created. */
export function serverOwner(): Owner {
  const uid = process.getuid?.() ?? 0;
  const gid = process.getgid?.() ?? 0;
  if (uid !== 0) return { uid, gid };
  const idOf = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
  return { uid: idOf('-u'), gid: idOf('-g') };
}

async function initialise(
  binaries: string,
  directory: string,
  owner: Owner,
  options: ServerOptions,
) {
  const data = join(directory, 'data');
  if (options.standbyOf !== undefined) return copyAsStandby(options.standbyOf, data, owner);
  const passwordFile = join(directory, 'password');
  writeOwned(passwordFile, SERVER_PASSWORD, owner);
  const flags = [
    '--username=postgres',
    '--encoding=UTF8',
    '--no-locale',
    '--no-sync',
    '--auth=trust',
  ];
  await promisify(execFile)(
    join(binaries, 'initdb'),
    [`--pgdata=${data}`, `--pwfile=${passwordFile}`, ...flags],
    { cwd: directory, ...owner, env: { LC_ALL: 'C', TZ: 'UTC' } },
  );
  writeOwned(join(data, 'pg_hba.conf'), accessRules(options).join('\n'), owner);
  if (options.tls === undefined) return;
  writeOwned(join(data, 'server.crt'), options.tls.cert, owner);
  writeOwned(join(data, 'server.key'), options.tls.key, owner);
  if (options.tls.clientCa) writeOwned(join(data, 'client-ca.crt'), options.tls.clientCa, owner);
}

function accessRules(options: ServerOptions): string[] {
  const auth = options.auth ?? 'trust';
  return [
    'local all postgres trust',
    ...(options.hba ?? []),
    `local all all ${auth}`,
    `host all all all ${auth}`,
    `host replication all all ${auth}`,
    '',
  ];
}

function writeOwned(path: string, text: string, owner: Owner): void {
  writeFileSync(path, text, { mode: 0o600 });
  chownSync(path, owner.uid, owner.gid);
}

async function launch(
  binaries: string,
  directory: string,
  owner: Owner,
  options: ServerOptions,
): Promise<TestServer> {
  const port = await freePort();
  const command = [join(binaries, 'postgres'), '-D', join(directory, 'data'), '-p', String(port)];
  const supervisor = spawn(
    'sh',
    ['-c', SUPERVISOR, 'supervisor', ...command, ...settingFlags(directory, options)],
    {
      cwd: directory,
      ...owner,
      detached: true,
      env: {
        PATH: process.env['PATH'],
        DIRECTORY: directory,
        LC_ALL: 'C',
        TZ: 'UTC',
        ...options.env,
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    },
  );
  const log = await whenReady(supervisor);
  const stop = () => stopServer(supervisor);
  const address = { port, socketDirectory: directory };
  return {
    ...address,
    uri: `postgres://postgres@127.0.0.1:${port}/postgres`,
    pid: log.pid,
    createDatabase: () => createTestDatabase(address),
    log: () => readUntilNow(address, log),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function settingFlags(directory: string, options: ServerOptions): string[] {
  const tls = options.tls && {
    ssl: 'on',
    ssl_cert_file: 'server.crt',
    ssl_key_file: 'server.key',
    ...(options.tls.clientCa && { ssl_ca_file: 'client-ca.crt' }),
  };
  const settings = {
    ...QUICK_SETTINGS,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: directory,
    // In the directory too: elsewhere, what a killed server leaves would stay for ever.
    dynamic_shared_memory_type: 'mmap',
    ...tls,
    ...(options.standbyOf && { primary_conninfo: primaryConninfo(options.standbyOf) }),
    ...options.settings,
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

function stopServer(supervisor: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (supervisor.exitCode !== null || supervisor.signalCode !== null) return resolve();
    supervisor.once('exit', () => resolve());
    supervisor.ref();
    supervisor.stdin?.end();
  });
}

/** A TCP port of 127.0.0.1 on which nothing listens. */
export function freePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const probe = createServer();
  probe.once('error', reject);
  probe.listen(0, '127.0.0.1', () => {
    const address = probe.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    probe.close(() => resolve(port));
  });
  return promise;
}
