import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** An entry of the user database. */
export interface SystemUser {
  /** The login name; undefined for a user id that has none, as in some containers. */
  readonly name: string | undefined;
  readonly home: string | undefined;
}

/**
 * Who this process runs as, as the system's user database knows it. os.userInfo() is not asked: the
 * runtime takes the name from the variable USER, which is not set everywhere and may be anything.
 */
export function systemUser(): SystemUser {
  const uid = process.geteuid?.();
  const entry = readPasswd().find((fields) => fields[2] === String(uid));
  // Users of OS Login and LDAP are in no file; `id` asks for them.
  return { name: entry?.[0] ?? askForName(), home: entry?.[5] };
}

/** Entries of name:password:uid:gid:comment:home:shell. */
function readPasswd(): string[][] {
  try {
    return readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => line.split(':'));
  } catch {
    return [];
  }
}

function askForName(): string | undefined {
  const { status, stdout } = spawnSync('id', ['-un'], { encoding: 'utf8' });
  return status === 0 && stdout.trim() !== '' ? stdout.trim() : undefined;
}
