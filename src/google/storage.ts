import type { Bucket, Storage } from '@google-cloud/storage';
import type { GoogleAuth } from 'google-auth-library';
import type { ProjectorError } from '../errors.ts';
import { RETRY_LIMITS } from '../retry.ts';
import { statusOf } from './api-error.ts';
import { inParallel } from './in-parallel.ts';
import type { ObjectInfo } from './object-info.ts';
import { callWithRetry, type StorageOptions } from './storage-call.ts';
import { isRetained, lackingPermissions, retainedText } from './storage-errors.ts';
import { readRange } from './storage-read.ts';
import { withDeadline } from './with-deadline.ts';

const PARALLEL_DELETES = 16;

/** What a run does with objects: BigQuery writes them with the same credentials. */
const NEEDED_PERMISSIONS = [
  'storage.objects.create',
  'storage.objects.list',
  'storage.objects.get',
  'storage.objects.delete',
] as const;

/** HTTP statuses of a service that is not there, or not for us. */
const REFUSALS = new Set([400, 403, 404, 405, 501]);

const LISTED = 'items(name,generation,size,crc32c),nextPageToken';

/** With `fields`, the client hands the API's items on as they are. */
interface ListedObject {
  readonly name: string;
  readonly generation: string;
  readonly size: string;
  readonly crc32c: string;
}

/** Google's client, loaded when it is needed (0.06 s), without retries of its own: ObjectStore has them. */
export async function createStorage(auth?: GoogleAuth): Promise<Storage> {
  const { Storage } = await import('@google-cloud/storage');
  const retryOptions = { autoRetry: false };
  return new Storage(auth === undefined ? { retryOptions } : { retryOptions, authClient: auth });
}

/** The objects of one bucket. Every call may be repeated, and ends with its signal. */
export class ObjectStore {
  readonly bucket: string;
  readonly #handle: Bucket;
  readonly #storage: Storage;
  readonly #options: StorageOptions;

  /** Other limits than RETRY_LIMITS are for tests. */
  constructor(storage: Storage, bucket: string, changed: Partial<StorageOptions> = {}) {
    this.bucket = bucket;
    this.#handle = storage.bucket(bucket);
    this.#storage = storage;
    this.#options = { ...RETRY_LIMITS, warn: () => undefined, ...changed };
  }

  /**
   * Checks that the bucket is there, and that the credentials may write, list, read and delete in it,
   * as far as its services answer: some organisations and emulators do not answer all of them. Gives
   * its location (`EU`, `US-CENTRAL1`); undefined where the credentials may not see the bucket itself.
   * Errors: BUCKET_NOT_FOUND, ACCESS_DENIED.
   */
  async checkBucket(signal: AbortSignal): Promise<{ readonly location: string | undefined }> {
    const [granted, metadata] = await Promise.all([
      this.#call('buckets.testIamPermissions', signal, () =>
        ifAnswered(this.#handle.iam.testPermissions([...NEEDED_PERMISSIONS])),
      ),
      // roles/storage.objectUser does not hold buckets.get.
      this.#call('buckets.get', signal, () =>
        ifAnswered(this.#handle.getMetadata({ fields: 'location' } as object)),
      ),
    ]);
    if (granted === undefined && metadata === undefined) await this.#page('', signal, undefined);
    const missing = NEEDED_PERMISSIONS.filter((permission) => granted?.[permission] === false);
    if (missing.length > 0) throw lackingPermissions(this.bucket, missing);
    return { location: metadata?.location };
  }

  /** All objects whose name starts with `prefix`, in the order of their names. */
  async list(prefix: string, signal: AbortSignal): Promise<ObjectInfo[]> {
    const { bucket } = this;
    const objects: ObjectInfo[] = [];
    let token: string | undefined;
    do {
      const [files, next] = await this.#page(prefix, signal, token);
      for (const { name, generation, size, crc32c } of files as unknown as ListedObject[]) {
        objects.push({ bucket, name, generation, size: Number(size), crc32c });
      }
      token = (next as { pageToken?: string } | null)?.pageToken;
    } while (token !== undefined);
    return objects;
  }

  /**
   * The bytes [start, end) of the object, in chunks as they arrive; read ahead by less than 1 MB.
   * Resumes a body that was cut; OBJECT_CHANGED where it cannot.
   */
  read(object: ObjectInfo, start: number, end: number, signal: AbortSignal): AsyncIterable<Buffer> {
    const context = { storage: this.#storage, options: this.#options, signal };
    return readRange(context, object, start, end);
  }

  /**
   * Deletes the objects, or all whose name starts with the prefix; gives how many it asked to delete.
   * What the bucket keeps, by a retention policy or a hold, is warned of once, and counts as done:
   * asking again would not help.
   */
  async remove(which: string | readonly ObjectInfo[], signal: AbortSignal): Promise<number> {
    const objects = typeof which === 'string' ? await this.list(which, signal) : which;
    const kept: ProjectorError[] = [];
    await inParallel(objects, PARALLEL_DELETES, signal, async (object) => {
      await this.#delete(object, signal).catch((error: unknown) => {
        if (!isRetained(error)) throw error;
        kept.push(error);
      });
    });
    const [first] = kept;
    if (first !== undefined) this.#options.warn(retainedText(this.bucket, kept.length, first));
    return objects.length;
  }

  /** With its generation, also in a bucket that keeps old versions: nothing stays behind to be paid. */
  async #delete({ name, generation }: ObjectInfo, signal: AbortSignal): Promise<void> {
    const file = this.#handle.file(name, { generation });
    await this.#call('objects.delete', signal, () => file.delete({ ignoreNotFound: true }));
  }

  #page(prefix: string, signal: AbortSignal, pageToken: string | undefined) {
    const page = { prefix, autoPaginate: false, fields: LISTED, ...(pageToken && { pageToken }) };
    return this.#call('objects.list', signal, () => this.#handle.getFiles(page));
  }

  #call<T>(method: string, signal: AbortSignal, action: () => Promise<T>): Promise<T> {
    const options = this.#options;
    const call = { bucket: this.bucket, permission: `storage.${method}` };
    return callWithRetry({ storage: this.#storage, options, signal }, call, () =>
      withDeadline(action(), signal, options.answerMs),
    );
  }
}

/** What a service answered first; undefined where it refuses to answer, or does not exist. */
async function ifAnswered<T>(answer: Promise<readonly [T, ...unknown[]]>): Promise<T | undefined> {
  try {
    return (await answer)[0];
  } catch (error) {
    if (REFUSALS.has(statusOf(error) ?? 0)) return undefined;
    throw error;
  }
}
