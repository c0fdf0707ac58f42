import { existsSync, readFileSync, statSync } from 'node:fs';

/** What a passfile is asked for. `host` is the name as written, `localhost` for the default socket. */
export interface Login {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
}

/** A password file that was read, or why it was not. */
export interface Passfile {
  /** The password of the first line that fits. */
  passwordFor(login: Login): string | undefined;
  /** Why the file was not used, if it exists and was not. */
  readonly warning: string | undefined;
}

/**
 * Reads a password file by the rules of "34.16. The Password File": lines of
 * `host:port:database:user:password`, `*` for anything, `\` before a `:` or `\`; a file that others
 * can read is ignored, with a warning. A file that is missing, or out of reach, is no error.
 */
export function readPassfile(path: string): Passfile {
  const none = { passwordFor: () => undefined, warning: undefined };
  if (!existsSync(path)) return none;
  const stats = statSync(path);
  if (!stats.isFile()) return { ...none, warning: `the password file ${path} is not a plain file` };
  if ((stats.mode & 0o077) !== 0) {
    const warning = `the password file ${path} can be read by others and is ignored; run chmod 0600 ${path}`;
    return { ...none, warning };
  }
  const lines = readLines(path);
  if (lines === undefined) return { ...none, warning: `the password file ${path} cannot be read` };
  return { passwordFor: (login) => search(lines, login), warning: undefined };
}

function readLines(path: string): string[] | undefined {
  try {
    return readFileSync(path, 'utf8').split(/\r?\n/u);
  } catch {
    return undefined;
  }
}

function search(lines: readonly string[], login: Login): string | undefined {
  const wanted = [login.host, String(login.port), login.database, login.user];
  for (const line of lines) {
    const match =
      /^((?:[^:\\]|\\.)*):((?:[^:\\]|\\.)*):((?:[^:\\]|\\.)*):((?:[^:\\]|\\.)*):(.*)$/su.exec(line);
    if (match === null) continue;
    const [, ...fields] = match;
    const fits = wanted.every(
      (value, index) => fields[index] === '*' || unescaped(fields[index]) === value,
    );
    if (fits) return unescaped(fields[4]);
  }
  return undefined;
}

function unescaped(field = ''): string {
  return field.replaceAll(/\\(.)/gsu, '$1');
}
