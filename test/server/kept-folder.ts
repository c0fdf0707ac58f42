import { spawn } from 'node:child_process';
import { chownSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A user of the system. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Its standard input is closed when the process that started it ends, also when that is killed. */
const KEEPER = `
trap '' INT TERM HUP
cat
rm -rf "$0"
`;

/** Makes a temporary directory that is removed when this process ends, however that happens. */
export function createKeptFolder(prefix: string, owner: Owner): string {
  const path = mkdtempSync(join(tmpdir(), prefix));
  chownSync(path, owner.uid, owner.gid);
  const keeper = spawn('sh', ['-c', KEEPER, path], {
    cwd: '/',
    ...owner,
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  keeper.unref();
  if ('unref' in keeper.stdin && typeof keeper.stdin.unref === 'function') keeper.stdin.unref();
  return path;
}
