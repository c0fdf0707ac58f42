import { crc32cBase64 } from './crc32c.ts';

/** One object: never changed, only replaced by another generation. */
export interface StoredBytes {
  readonly bytes: Buffer;
  /** A number that grows, as text. */
  readonly generation: string;
  readonly contentType: string;
  /** RFC 3339. */
  readonly created: string;
}

export interface Bucket {
  readonly location: string;
  readonly created: string;
  readonly objects: Map<string, StoredBytes>;
}

export interface Buckets {
  create(name: string, location: string): void;
  get(name: string): Bucket | undefined;
  /** Writes a new generation; an error where there is no such bucket. */
  write(bucket: string, name: string, bytes: Buffer): StoredBytes;
}

export function createBuckets(): Buckets {
  const buckets = new Map<string, Bucket>();
  let generation = BigInt(Date.now()) * 1000n;
  return {
    create(name, location) {
      const created = new Date().toISOString();
      buckets.set(name, { location, created, objects: new Map() });
    },
    get: (name) => buckets.get(name),
    write(bucketName, name, bytes) {
      const bucket = buckets.get(bucketName);
      if (bucket === undefined) throw new Error(`there is no bucket ${bucketName}`);
      generation += 1n;
      const created = new Date().toISOString();
      const contentType = 'application/octet-stream';
      const object = { bytes, generation: String(generation), contentType, created };
      bucket.objects.set(name, object);
      return object;
    },
  };
}

const known = new WeakMap<StoredBytes, { crc32c: string; md5: string }>();

/** The checksums of an object, in base64, computed once. */
export function checksums(object: StoredBytes): { crc32c: string; md5: string } {
  const before = known.get(object);
  if (before !== undefined) return before;
  const md5 = new Bun.CryptoHasher('md5').update(object.bytes).digest('base64');
  const sums = { crc32c: crc32cBase64(object.bytes), md5 };
  known.set(object, sums);
  return sums;
}
