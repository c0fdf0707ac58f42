import { ProjectorError } from '../../errors.ts';

/**
 * The error of a `--pg-conn` that cannot be used. Neither text may quote what could be a password:
 * name parameters and files, and values only of parameters that are no secrets.
 */
export function refuse(message: string, hint: string): ProjectorError {
  return new ProjectorError({
    code: 'BAD_CONNECTION_STRING',
    message: `--pg-conn: ${message}`,
    hint,
    exitCode: 2,
  });
}

/** Whether a parameter's value is a secret. What follows it may be the rest of one. */
export function isSecret(name: string): boolean {
  return name === 'password' || name === 'sslpassword';
}

/** The error of what follows a secret and is no parameter: it is not quoted. */
export function restOfSecret(name: string): ProjectorError {
  return refuse(
    `what follows ${name} is not a parameter of PostgreSQL connections`,
    'In a URI write %26 for an & in a password; elsewhere put single quotes around a password with spaces.',
  );
}
