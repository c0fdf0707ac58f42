import { ProjectorError } from '../errors.ts';

/**
 * The error of a `--pg-conn` that cannot be used. Neither text may quote what could be a password:
 * name parameters and files, and values only of parameters that are no secrets.
 */
export function refuse(message: string, next: string): ProjectorError {
  return new ProjectorError({
    code: 'BAD_CONNECTION_STRING',
    message: `--pg-conn: ${message}`,
    next,
    exitCode: 2,
  });
}
