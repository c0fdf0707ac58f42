import { fetchHeader, type Header } from './avro/header.ts';
import type { Split } from './avro/splits.ts';
import type { ObjectStore } from './clients/storage.ts';
import { ProjectorError } from './errors.ts';

/** Fetches each object's header once, and sees to it that all objects have the same schema. */
export function headersOf(
  store: ObjectStore,
  signal: AbortSignal,
): (split: Split) => Promise<Header> {
  const headers = new Map<string, Promise<Header>>();
  let schema: string | undefined;

  async function load({ object }: Split): Promise<Header> {
    const header = await fetchHeader(store, object, signal);
    const fields = JSON.stringify(header.fields);
    schema ??= fields;
    if (fields === schema) return header;
    throw new ProjectorError({
      code: 'UNEXPECTED_SCHEMA',
      message: `gs://${object.bucket}/${object.name} has another schema than the other objects of the export`,
      next: 'Run again.',
    });
  }

  return (split) => {
    const known = headers.get(split.object.name);
    if (known !== undefined) return known;
    const header = load(split);
    headers.set(split.object.name, header);
    return header;
  };
}
