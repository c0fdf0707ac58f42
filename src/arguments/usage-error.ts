import { messageOf, ProjectorError } from '../errors.ts';

/** An argument that is wrong, and what to write instead. */
export function usageError(message: string, next: string): ProjectorError {
  return new ProjectorError({ code: 'USAGE', message, next, exitCode: 2 });
}

/** All that is wrong with the arguments as one error, so that a user corrects them in one go. */
export function asOneError(errors: readonly Error[]): ProjectorError {
  const [only] = errors;
  if (only instanceof ProjectorError && errors.length === 1) return only;
  const lines = errors.map((error) => `  - ${asSentence(error)}`);
  return usageError(
    `${errors.length} arguments are wrong or missing:\n${lines.join('\n')}`,
    'bq_to_postgres --help explains each of them.',
  );
}

function asSentence(error: Error): string {
  const next = error instanceof ProjectorError ? error.next : undefined;
  return next === undefined ? messageOf(error) : `${messageOf(error)}. ${next}`;
}
