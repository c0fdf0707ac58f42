import { ProjectorError } from '../errors.ts';

/** An object that is not the Avro that BigQuery writes. `problem` completes the sentence. */
export function badAvro(object: string, problem: string, cause?: unknown): ProjectorError {
  return new ProjectorError({
    code: 'BAD_AVRO',
    message: `${object} is not the Avro file that was exported: ${problem}`,
    hint: 'Run the same command again: it exports anew. If this comes back, report it with this message.',
    cause,
  });
}
