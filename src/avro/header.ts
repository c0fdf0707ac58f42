import type { ObjectInfo, ObjectStore } from '../clients/storage.ts';
import type { AvroField } from './schema.ts';

export interface Header {
  readonly fields: readonly AvroField[];
  readonly codec: 'null' | 'deflate';
  /** The 16 bytes that end the header and every block. */
  readonly sync: Buffer;
  /** The first block starts here. */
  readonly headerBytes: number;
}

/** Reads the header of an object: one ranged read, more where the header is longer. */
export function fetchHeader(
  store: Pick<ObjectStore, 'read'>,
  object: ObjectInfo,
  signal: AbortSignal,
): Promise<Header> {
  throw new Error(`not written yet ${store} ${object} ${signal}`);
}
