import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { refuse } from './refusal.ts';

/** The path of a file in `~/.postgresql`. */
export function inHome(home: string | undefined, name: string): string | undefined {
  return home === undefined ? undefined : join(home, '.postgresql', name);
}

/** As for libpq, what is out of reach (a home of another user, or of none) is not there. */
export function exists(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}

/** The text of the file that `parameter` names. */
export function readText(path: string, parameter: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? ` (${cause.code})` : '';
    throw refuse(
      `${parameter}: ${path} cannot be read${reason}`,
      'Check the path and its permissions.',
    );
  }
}
