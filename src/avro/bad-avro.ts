import type { ObjectInfo } from '../clients/storage.ts';
import { ProjectorError } from '../errors.ts';

/** The name of an object as users type it. */
export function gsUri(object: Pick<ObjectInfo, 'bucket' | 'name'>): string {
  return `gs://${object.bucket}/${object.name}`;
}

/** An object that is not the Avro that BigQuery writes. `what` completes the sentence. */
export function badAvro(object: string, what: string, cause?: unknown): ProjectorError {
  return new ProjectorError({
    code: 'BAD_AVRO',
    message: `${object} is not the Avro file that was exported: ${what}`,
    next: 'Run the same command again: it exports anew. If this comes back, report it with this message.',
    cause,
  });
}
