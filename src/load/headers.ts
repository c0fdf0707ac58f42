import { fetchHeader, type Header, type HeaderOf } from '../avro/header.ts';
import { ProjectorError } from '../errors.ts';
import type { ObjectInfo } from '../google/object-info.ts';
import type { ObjectStore } from '../google/storage.ts';

/** Reads each object's header once, and sees to it that all objects have the same schema. */
export function headersOf(store: ObjectStore, signal: AbortSignal): HeaderOf {
  const headers = new Map<string, Promise<Header>>();
  let schema: string | undefined;

  async function checked(object: ObjectInfo, reading: Promise<Header>): Promise<Header> {
    const header = await reading;
    const fields = JSON.stringify(header.fields);
    schema ??= fields;
    if (fields === schema) return header;
    throw new ProjectorError({
      code: 'UNEXPECTED_SCHEMA',
      message: `gs://${object.bucket}/${object.name} has another schema than the other objects of the export`,
      hint: 'Run again.',
    });
  }

  return ({ object }, read = () => fetchHeader(store, object, signal)) => {
    const known = headers.get(object.name);
    if (known !== undefined) return known;
    const header = checked(object, read());
    headers.set(object.name, header);
    // One that could not be read is read again by whoever asks next.
    header.catch(() => headers.delete(object.name));
    return header;
  };
}
