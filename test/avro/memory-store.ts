import { crc32c } from '../../src/avro/crc32c.ts';
import type { ObjectInfo } from '../../src/google/object-info.ts';
import type { ObjectStore } from '../../src/google/storage.ts';

/** An object as a listing shows it, its checksum right. */
export function objectOf(bytes: Buffer, name = 'shard.avro'): ObjectInfo {
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(crc32c(bytes));
  const crc32cText = crc.toString('base64');
  return { bucket: 'lab', name, generation: '7', size: bytes.length, crc32c: crc32cText };
}

export interface MemoryStore extends Pick<ObjectStore, 'read'> {
  /** Ranges that were asked for. */
  readonly requests: readonly { readonly start: number; readonly end: number }[];
}

/** Gives the bytes of one object in chunks of `chunkBytes`. */
export function memoryStore(bytes: Buffer, chunkBytes = 64 * 1024): MemoryStore {
  const requests: { start: number; end: number }[] = [];
  return {
    requests,
    async *read(_object, start, end, signal) {
      requests.push({ start, end });
      for (let at = start; at < Math.min(end, bytes.length); at += chunkBytes) {
        signal.throwIfAborted();
        yield Buffer.from(bytes.subarray(at, Math.min(end, at + chunkBytes))); // the reader's own
      }
    },
  };
}
