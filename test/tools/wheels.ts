import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

const CACHE = join(import.meta.dir, '../../node_modules/.cache/wheels');

/**
 * The folder with the unpacked wheels of a requirements file, which pins each by its hash. They are
 * fetched when they are first asked for, with the machine's pip; throws what pip says where it fails.
 * `platform` asks for the wheels of another Python than the machine's.
 */
export function wheelsFolder(requirements: string, platform: readonly string[] = []): string {
  const key = [requirements, ...platform].join('\n');
  const folder = join(CACHE, new Bun.SHA256().update(key).digest('hex').slice(0, 16));
  if (existsSync(folder)) return folder;
  mkdirSync(dirname(folder), { recursive: true });
  const unpacked = mkdtempSync(`${folder}-`);
  const command = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--no-compile'];
  const { status, error, stderr } = spawnSync(
    'python3',
    [...command, ...platform, '--require-hashes', '--target', unpacked, '-r', '/dev/stdin'],
    { input: requirements, encoding: 'utf8' },
  );
  if (status !== 0) {
    rmSync(unpacked, { recursive: true });
    throw new Error(`pip could not fetch ${requirements}: ${error?.message ?? stderr}`);
  }
  // Another process may have been faster: its folder is as good.
  if (existsSync(folder)) rmSync(unpacked, { recursive: true });
  else renameSync(unpacked, folder);
  return folder;
}
