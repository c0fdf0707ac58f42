import { ProjectorError } from '../errors.ts';

/** An argument that is wrong, and what to write instead. */
export function usageError(message: string, hint: string): ProjectorError {
  return new ProjectorError({ code: 'USAGE', message, hint, exitCode: 2 });
}

/** All that is wrong with the arguments as one error, so that a user corrects them in one go. */
export function combineErrors(errors: readonly ProjectorError[]): ProjectorError {
  const [only] = errors;
  if (only !== undefined && errors.length === 1) return only;
  const lines = errors.map((error) => `  - ${asSentence(error)}`);
  return usageError(
    `${errors.length} arguments are wrong or missing:\n${lines.join('\n')}`,
    'bq_to_postgres --help explains each of them.',
  );
}

function asSentence({ message, hint }: ProjectorError): string {
  return hint === undefined ? message : `${message}. ${hint}`;
}
