import type { Schema } from 'avsc';
import type { Block } from '../../src/avro/block-parser.ts';
import { readBlocks, type SplitChecksum } from '../../src/avro/blocks.ts';
import { checkObject } from '../../src/avro/check-object.ts';
import { fetchHeader, type Header, parseHeader } from '../../src/avro/header.ts';
import { planSplits } from '../../src/avro/splits.ts';
import { createEncoder } from '../../src/copy/create-encoder.ts';
import type { EncodedColumn, Encoder } from '../../src/copy/encoder.ts';
import type { Encoding } from '../../src/copy/encodings.ts';
import { CHUNK_BYTES } from '../../src/copy/pump.ts';
import { InvalidValueError, MalformedBlockError } from '../../src/copy/row-error.ts';
import { ProjectorError } from '../../src/errors.ts';
import type { ObjectInfo } from '../../src/google/object-info.ts';
import { decodeRows } from './decode.ts';
import { memoryStore, objectOf } from './memory-store.ts';
import { type Anatomy, below, mutate, occurrences, type Random, randomOf } from './mutate.ts';
import { FOREVER } from './read-rows.ts';
import { exampleRow, SCHEMA, writeAvro } from './write-file.ts';

/** What became of the files: how many were read, and by which error the others were refused. */
export type Outcomes = Readonly<Record<string, number>>;

/**
 * Reads `files` spoilt files, number `first` being the first, and encodes their rows. Throws where one
 * is taken for what it is not, ends in an error that no user should see, or asks for too much.
 */
export async function fuzz(seed: number, first: number, files: number): Promise<Outcomes> {
  const anatomies = await Promise.all(SHAPES.map(anatomyOf));
  const outcomes: Record<string, number> = {};
  for (let index = first; index < first + files; index++) {
    const random = randomOf(seed * 1_000_003 + index);
    const anatomy = anatomies[below(random, anatomies.length)] as Anatomy;
    const outcome = await tryFile(anatomy, random).catch((error) => {
      throw new Error(`seed ${seed}, file ${index}: ${error.message}`, { cause: error });
    });
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
  return outcomes;
}

/** BigQuery's arrays hold no NULL, and its exports no union of items. */
const EXPORTED = {
  ...SCHEMA,
  fields: [...SCHEMA.fields.slice(0, -1), { name: 'c6', type: { type: 'array', items: 'string' } }],
} as const satisfies Schema;

const SHAPES = [
  { codec: 'null', rows: 12, blockBytes: 200 },
  { codec: 'null', rows: 40, blockBytes: 100_000 },
  { codec: 'deflate', rows: 20, blockBytes: 200 },
  { codec: 'deflate', rows: 60, blockBytes: 2000 },
] as const;

async function anatomyOf({ codec, rows, blockBytes }: (typeof SHAPES)[number]): Promise<Anatomy> {
  const examples = Array.from({ length: rows }, (_, index) => ({
    ...exampleRow(index),
    c6: ['', 'x'],
  }));
  const sync = Buffer.from('5f0e3c9a71b2d48866aa00ff13572468', 'hex');
  const file = await writeAvro(EXPORTED, examples, { codec, blockBytes, sync });
  const { headerBytes } = parseHeader(file, 'o') as Header;
  const blocks = occurrences(file, sync).map((at) => at + sync.length);
  return { file, sync, headerBytes, blocks: blocks.slice(0, -1) };
}

async function tryFile(anatomy: Anatomy, random: Random): Promise<string> {
  const file = mutate(anatomy, random);
  // The checksum is that of the file before (damage on the way), or of the file as it is (a bad writer).
  const onTheWay = random() < 0.5;
  const object = { ...objectOf(file), ...(onTheWay && { crc32c: objectOf(anatomy.file).crc32c }) };
  const unchanged = file.equals(anatomy.file);
  try {
    await load(file, object, random);
  } catch (error) {
    if (unchanged) throw new Error('a file that is as it was is refused', { cause: error });
    return refusal(error);
  }
  if (onTheWay && !unchanged) throw new Error('a damaged file is taken for good');
  return 'read';
}

function refusal(error: unknown): string {
  if (error instanceof MalformedBlockError) return 'malformed rows';
  if (error instanceof InvalidValueError) return 'misfit';
  if (!(error instanceof ProjectorError)) throw error;
  const named = error.message.includes('gs://lab/shard.avro') || error.code === 'UNEXPECTED_SCHEMA';
  if (!named) throw new Error(`an error does not name the object: ${error.message}`);
  return error.code;
}

async function load(file: Buffer, object: ObjectInfo, random: Random): Promise<void> {
  const store = memoryStore(file, 1 + below(random, random() < 0.5 ? 100 : 5000));
  const header = await fetchHeader(store, object, FOREVER);
  const encoder = encoderOf(header);
  const splitBytes = random() < 0.5 ? file.length : 50 + below(random, file.length);
  const splits = planSplits([object], splitBytes);
  const sums: SplitChecksum[] = [];
  for (const split of splits) {
    const reader = readBlocks(store, async () => header, split, FOREVER);
    for await (const block of reader) encode(block, header, encoder);
    sums.push(reader.checksum());
  }
  const asked = store.requests.reduce((bytes, { start, end }) => bytes + end - start, 0);
  if (asked > 4 * file.length + 100 * splits.length)
    throw new Error(`${asked} bytes were asked for`);
  checkObject(object, header, sums);
}

/** The encoder and the slow decoder must agree on whether the bytes are rows. */
function encode(block: Block, header: Header, encoder: Encoder): void {
  const fast = outcomeOf(() => {
    const { cursor } = encoder;
    cursor.read(block.bytes);
    for (let left = block.rows; left > 0; cursor.at = 0) {
      left -= encoder.encodeRows(cursor, left, CHUNK_BYTES);
    }
    if (cursor.pos !== cursor.end) throw new MalformedBlockError('bytes are left');
  });
  const slow = outcomeOf(() => decodeRows(block.bytes, block.rows, header.fields));
  if (fast === undefined && slow !== undefined) {
    throw new Error(`the encoder takes what the decoder refuses: ${slow}`);
  }
  if (slow === undefined && fast instanceof MalformedBlockError) {
    throw new Error(`the encoder refuses what the decoder takes: ${fast}`);
  }
  if (fast !== undefined) throw fast;
}

function outcomeOf(action: () => unknown): unknown {
  try {
    action();
    return undefined;
  } catch (error) {
    return error;
  }
}

const KIND_OF = {
  long: 'int8',
  string: 'text',
  double: 'float8',
  boolean: 'bool',
  bytes: 'bytea',
} as const satisfies Record<string, Encoding>;

const encoders = new Map<string, Encoder>();

/** One for each schema: making one costs more than a small file. */
function encoderOf(header: Header): Encoder {
  const key = JSON.stringify(header.fields);
  const known = encoders.get(key);
  if (known !== undefined) return known;
  const columns = header.fields.map(
    (field): EncodedColumn => ({
      alias: field.name,
      encoding: KIND_OF[field.scalar ?? field.items?.scalar ?? 'long'],
      array: field.items !== undefined,
      elementOid: 25,
      maxChars: undefined,
      watermark: field.scalar === 'long' && field.name === 'c0',
      leftOut: false,
      emit: true,
    }),
  );
  const encoder = createEncoder('binary', columns, header.fields, CHUNK_BYTES);
  encoders.set(key, encoder);
  return encoder;
}
