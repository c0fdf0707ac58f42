import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';

/**
 * Overwrites the value of `--pg-conn` in this process's own argument area, so that from here on
 * `ps` and /proc/PID/cmdline show asterisks in place of a password. `process.title` does not do
 * that in Bun. It holds for the words of `argv`, which is read before. Any user of the machine can
 * still see the password in the milliseconds before: PGPASSWORD, a passfile and IAM
 * authentication never show it. Where the system forbids it, nothing happens.
 */
export function hideConnectionArgument(): void {
  try {
    const bytes = readFileSync('/proc/self/cmdline');
    const start = argumentAreaStart();
    const memory = openSync('/proc/self/mem', 'r+');
    try {
      for (const [from, to] of connectionRanges(bytes)) {
        writeSync(memory, Buffer.alloc(to - from, '*'), 0, to - from, start + from);
      }
    } finally {
      closeSync(memory);
    }
  } catch {
    // No /proc, or one that may not be written: the run itself does not depend on it.
  }
}

/** `arg_start`, field 48 of /proc/self/stat (proc_pid_stat(5)); the second may hold spaces. */
function argumentAreaStart(): number {
  const stat = readFileSync('/proc/self/stat', 'latin1');
  const fromThird = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const start = Number(fromThird[48 - 3]);
  if (!Number.isSafeInteger(start) || start <= 0) throw new RangeError('arg_start is not known');
  return start;
}

/** Where words stand that may hold a password: byte ranges, from one NUL to the next. */
export function connectionRanges(cmdline: Uint8Array): readonly (readonly [number, number])[] {
  const words = Buffer.from(cmdline).toString('latin1').split('\0');
  const ranges: (readonly [number, number])[] = [];
  let at = 0;
  let follows = false;
  for (const word of words) {
    const secretAt = follows ? 0 : secretStart(word);
    if (secretAt !== undefined && secretAt < word.length) {
      ranges.push([at + secretAt, at + word.length]);
    }
    follows = word === '--pg-conn';
    at += word.length + 1;
  }
  return ranges;
}

/** What a connection string that may hold a password is known by, in either of libpq's forms. */
export const CONNECTION_STRING = /postgres(?:ql)?:\/\/|\bpassword\s*=/i;

/** The value in `--pg-conn=value`, and any connection string, wherever it was put by mistake. */
function secretStart(word: string): number | undefined {
  const inline = '--pg-conn=';
  if (word.startsWith(inline)) return inline.length;
  const start = word.search(CONNECTION_STRING);
  return start < 0 ? undefined : start;
}
