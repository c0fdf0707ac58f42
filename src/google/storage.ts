import type { Storage } from '@google-cloud/storage';
import type { GoogleAuth } from 'google-auth-library';
import { RETRY_LIMITS } from '../retry.ts';
import { statusOf } from './bigquery-retryable.ts';
import type { ObjectInfo } from './object-info.ts';
import { callWithRetry, type StorageOptions } from './storage-call.ts';
import { lackingPermissions, type StorageCall } from './storage-errors.ts';
import { readRange } from './storage-read.ts';
import { withDeadline } from './with-deadline.ts';

/** All that the program asks of Cloud Storage. Every call may be repeated, and ends with its signal. */
export interface ObjectStore {
  readonly bucket: string;
  /**
   * Checks that the bucket is there, and that the credentials may write, list, read and delete in it.
   * Gives its location (`EU`, `US-CENTRAL1`); undefined where they may not see the bucket itself.
   * Errors: BUCKET_NOT_FOUND, ACCESS_DENIED.
   */
  checkBucket(signal: AbortSignal): Promise<{ readonly location: string | undefined }>;
  /** All objects whose name starts with `prefix`, in the order of their names. */
  list(prefix: string, signal: AbortSignal): Promise<ObjectInfo[]>;
  /**
   * The bytes [start, end) of the object, in chunks as they arrive; read ahead by less than 1 MB. Goes
   * on where a body was cut; OBJECT_CHANGED where it cannot.
   */
  read(object: ObjectInfo, start: number, end: number, signal: AbortSignal): AsyncIterable<Buffer>;
  /** Deletes the objects, or all whose name starts with the prefix; gives how many it asked to delete. */
  remove(objects: string | readonly ObjectInfo[], signal: AbortSignal): Promise<number>;
}

const PARALLEL_DELETES = 16;

/** What a run does with objects: BigQuery writes them with the same credentials. */
const NEEDED_PERMISSIONS = [
  'storage.objects.create',
  'storage.objects.list',
  'storage.objects.get',
  'storage.objects.delete',
] as const;

/** Google's client, loaded when it is needed (0.06 s), without retries of its own: `openStorage` has them. */
export async function createStorage(auth?: GoogleAuth): Promise<Storage> {
  const { Storage } = await import('@google-cloud/storage');
  const retryOptions = { autoRetry: false };
  return new Storage(auth === undefined ? { retryOptions } : { retryOptions, authClient: auth });
}

/** The objects of one bucket. Other limits than RETRY_LIMITS are for tests. */
export function openStorage(
  storage: Storage,
  bucket: string,
  changed: Partial<StorageOptions> = {},
): ObjectStore {
  const options = { ...RETRY_LIMITS, warn: () => undefined, ...changed };
  const handle = storage.bucket(bucket);

  function call<T>(permission: string, signal: AbortSignal, action: () => Promise<T>): Promise<T> {
    const what: StorageCall = { bucket, permission: `storage.${permission}` };
    return callWithRetry({ storage, options, signal }, what, () =>
      withDeadline(action(), signal, options.answerMs),
    );
  }

  async function checkBucket(signal: AbortSignal) {
    const testing = call('buckets.testIamPermissions', signal, () =>
      handle.iam.testPermissions([...NEEDED_PERMISSIONS]),
    );
    const describing = call('buckets.get', signal, async () => {
      try {
        return (await handle.getMetadata({ fields: 'location' } as object))[0];
      } catch (error) {
        if (statusOf(error) === 403) return undefined; // objectUser holds no buckets.get
        throw error;
      }
    });
    const [[granted], metadata] = await Promise.all([testing, describing]);
    const missing = NEEDED_PERMISSIONS.filter((permission) => granted[permission] !== true);
    if (missing.length > 0) throw lackingPermissions(bucket, missing);
    return { location: metadata?.location };
  }

  async function list(prefix: string, signal: AbortSignal): Promise<ObjectInfo[]> {
    const objects: ObjectInfo[] = [];
    let pageToken: string | undefined;
    do {
      const page = { prefix, autoPaginate: false, fields: LISTED, ...(pageToken && { pageToken }) };
      const [files, next] = await call('objects.list', signal, () => handle.getFiles(page));
      for (const { name, generation, size, crc32c } of files as unknown as ListedObject[]) {
        objects.push({ bucket, name, generation, size: Number(size), crc32c });
      }
      pageToken = (next as { pageToken?: string } | null)?.pageToken;
    } while (pageToken !== undefined);
    return objects;
  }

  async function remove(what: string | readonly ObjectInfo[], signal: AbortSignal) {
    const objects = typeof what === 'string' ? await list(what, signal) : what;
    const queue = objects.values();
    // One that fails must not keep the others from being deleted.
    const workers = Array.from({ length: Math.min(PARALLEL_DELETES, objects.length) }, async () => {
      let failure: unknown;
      for (const object of queue) {
        await removeOne(object, signal).catch((error: unknown) => {
          signal.throwIfAborted();
          failure ??= error;
        });
      }
      if (failure !== undefined) throw failure;
    });
    const failed = (await Promise.allSettled(workers)).find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
    return objects.length;
  }

  /** With its generation, also in a bucket that keeps old versions: nothing stays behind to be paid. */
  function removeOne({ name, generation }: ObjectInfo, signal: AbortSignal) {
    const file = handle.file(name, { generation });
    return call('objects.delete', signal, () => file.delete({ ignoreNotFound: true }));
  }

  return {
    bucket,
    checkBucket,
    list,
    read: (object, start, end, signal) =>
      readRange({ storage, options, signal }, object, start, end),
    remove,
  };
}

const LISTED = 'items(name,generation,size,crc32c),nextPageToken';

/** With `fields`, the client hands the API's items on as they are. */
interface ListedObject {
  readonly name: string;
  readonly generation: string;
  readonly size: string;
  readonly crc32c: string;
}
