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

/** All buckets with their objects. */
export class Buckets {
  readonly #buckets = new Map<string, Bucket>();
  #generation = BigInt(Date.now()) * 1000n;

  create(name: string, location: string): void {
    const created = new Date().toISOString();
    this.#buckets.set(name, { location, created, objects: new Map() });
  }

  get(name: string): Bucket | undefined {
    return this.#buckets.get(name);
  }

  /** Writes a new generation; an error where there is no such bucket. */
  write(bucketName: string, name: string, bytes: Buffer): void {
    const bucket = this.#buckets.get(bucketName);
    if (bucket === undefined) throw new Error(`there is no bucket ${bucketName}`);
    this.#generation += 1n;
    bucket.objects.set(name, {
      bytes,
      generation: String(this.#generation),
      contentType: 'application/octet-stream',
      created: new Date().toISOString(),
    });
  }
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
