import type { Storage } from '@google-cloud/storage';

/** One object of the bucket, at one generation. */
export interface ObjectInfo {
  readonly bucket: string;
  readonly name: string;
  readonly generation: string;
  /** Bytes. */
  readonly size: number;
  /** CRC32C, big-endian, in base64: as the API gives it. */
  readonly crc32c: string;
}

export interface ObjectStore {
  readonly bucket: string;
  /** Checks that the bucket is there and may be listed; gives its location (`EU`, `US-CENTRAL1`). */
  checkBucket(signal: AbortSignal): Promise<{ readonly location: string }>;
  /** All objects whose name starts with `prefix`, in the order of their names. */
  list(prefix: string, signal: AbortSignal): Promise<ObjectInfo[]>;
  /** The bytes [start, end) of the object. Goes on where a body was cut; OBJECT_CHANGED where it cannot. */
  read(object: ObjectInfo, start: number, end: number, signal: AbortSignal): AsyncIterable<Buffer>;
  /** Deletes the objects, or all whose name starts with the prefix; gives how many it asked to delete. */
  remove(objects: string | readonly ObjectInfo[], signal: AbortSignal): Promise<number>;
}

export interface StorageLimits {
  /** A body of which no byte arrives for so long is given up. */
  readonly stallMs: number;
  /** How long to go on trying without any progress. */
  readonly patienceMs: number;
}

/** Google's client, loaded when it is needed, without retries of its own: `openStorage` has them. */
export function createStorage(): Promise<Storage> {
  throw new Error('not written yet');
}

export function openStorage(
  storage: Storage,
  bucket: string,
  limits: Partial<StorageLimits> = {},
): ObjectStore {
  throw new Error(`not written yet ${storage} ${bucket} ${limits}`);
}
