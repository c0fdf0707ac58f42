import { gsUri, type ObjectInfo } from '../google/object-info.ts';
import type { ObjectStore } from '../google/storage.ts';
import { badAvro } from './bad-avro.ts';
import { type AvroField, parseAvroSchema } from './schema.ts';
import { SYNC_BYTES } from './sync-marker.ts';
import { readVarint } from './varint.ts';

/** How blocks are compressed: the export asks for none, and deflate is read as well. */
export type Codec = 'null' | 'deflate';

/** What the beginning of an object says of all that follows. */
export interface Header {
  readonly fields: readonly AvroField[];
  readonly codec: Codec;
  /** The 16 bytes that end the header and every block. */
  readonly sync: Buffer;
  /** The first block starts here. */
  readonly headerBytes: number;
}

const MAGIC = Buffer.from('Obj\u0001', 'latin1');
const FIRST_PIECE_BYTES = 64 * 1024;
/** A schema of BigQuery's 10,000 columns has well under 1 MiB. */
const MAX_HEADER_BYTES = 16 * 1024 * 1024;

/** Fetches the header of an object: one ranged read, more where the header is longer. Error: BAD_AVRO. */
export async function fetchHeader(
  store: Pick<ObjectStore, 'read'>,
  object: ObjectInfo,
  signal: AbortSignal,
): Promise<Header> {
  let bytes: Buffer = Buffer.alloc(0);
  return readHeader(object, async (end) => {
    const pieces = [bytes];
    for await (const piece of store.read(object, bytes.length, end, signal)) pieces.push(piece);
    bytes = Buffer.concat(pieces);
    return bytes;
  });
}

/** Reads the header of an object; `read` gives its bytes from the first to `end`. Error: BAD_AVRO. */
export async function readHeader(
  object: ObjectInfo,
  read: (end: number) => Promise<Buffer>,
): Promise<Header> {
  const limit = Math.min(object.size, MAX_HEADER_BYTES);
  for (let wanted = FIRST_PIECE_BYTES; ; wanted *= 4) {
    const end = Math.min(wanted, limit);
    const header = parseHeader(await read(end), gsUri(object));
    if (header !== 'more') return header;
    if (end === limit) throw badAvro(gsUri(object), `it ends within its header, at byte ${end}`);
  }
}

/**
 * Gives the header of the object that the split is of. `read` reads it in a cheaper way than a request
 * of its own, where it is not known yet.
 */
export type HeaderOf = (
  split: { readonly object: ObjectInfo },
  read?: () => Promise<Header>,
) => Promise<Header>;

/** The header at the start of `bytes`, or `more` where they end within it. `object` is for errors. */
export function parseHeader(bytes: Buffer, object: string): Header | 'more' {
  const magic = bytes.subarray(0, MAGIC.length);
  if (!magic.equals(MAGIC.subarray(0, magic.length))) {
    throw badAvro(object, `it starts with the bytes ${magic.toString('hex')}`);
  }
  const metadata = readMetadata(bytes, object);
  if (metadata === 'more' || metadata.next + SYNC_BYTES > bytes.length) return 'more';
  const schema = metadata.entries.get('avro.schema');
  if (schema === undefined) throw badAvro(object, 'its header holds no schema');
  const headerBytes = metadata.next + SYNC_BYTES;
  return {
    fields: parseAvroSchema(schema.toString(), object),
    codec: parseCodec(metadata.entries.get('avro.codec'), object),
    sync: Buffer.from(bytes.subarray(metadata.next, headerBytes)),
    headerBytes,
  };
}

function parseCodec(codec: Buffer | undefined, object: string): Codec {
  const name = codec?.toString() ?? 'null';
  if (name === 'null' || name === 'deflate') return name;
  throw badAvro(object, `it is compressed by ${JSON.stringify(name.slice(0, 40))}`);
}

interface Metadata {
  readonly entries: ReadonlyMap<string, Buffer>;
  readonly next: number;
}

/** Avro's map of bytes: blocks of entries, a negative count followed by the block's length, 0 ends it. */
function readMetadata(bytes: Buffer, object: string): Metadata | 'more' {
  const entries = new Map<string, Buffer>();
  let at = MAGIC.length;
  for (;;) {
    const count = readVarint(bytes, at);
    if (count === 'more') return 'more';
    if (count === 'bad') throw badAvro(object, `its header has a bad count at byte ${at}`);
    at = count.next;
    if (count.value === 0) return { entries, next: at };
    if (count.value < 0) {
      const length = readLength(bytes, at, object);
      if (length === 'more') return 'more';
      at = length.next;
    }
    for (let i = Math.abs(count.value); i > 0; i--) {
      const key = readBytes(bytes, at, object);
      const value = key === 'more' ? 'more' : readBytes(bytes, key.next, object);
      if (key === 'more' || value === 'more') return 'more';
      entries.set(key.value.toString(), value.value);
      at = value.next;
    }
  }
}

function readBytes(bytes: Buffer, at: number, object: string) {
  const length = readLength(bytes, at, object);
  if (length === 'more' || length.next + length.value > bytes.length) return 'more';
  const next = length.next + length.value;
  return { value: bytes.subarray(length.next, next), next };
}

function readLength(bytes: Buffer, at: number, object: string) {
  const length = readVarint(bytes, at);
  if (length === 'more') return 'more';
  if (length === 'bad' || length.value < 0 || length.value > MAX_HEADER_BYTES) {
    throw badAvro(object, `its header has a bad length at byte ${at}`);
  }
  return length;
}
