/** A stream of numbers in [0, 1) that a seed decides (mulberry32). */
export type Random = () => number;

export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function below(random: Random, limit: number): number {
  return Math.floor(random() * limit);
}

/** What is known of a file that is to be spoilt: where its parts are. */
export interface Anatomy {
  readonly file: Buffer;
  readonly headerBytes: number;
  readonly sync: Buffer;
  /** Where the blocks start. */
  readonly blocks: readonly number[];
}

type Mutation = (anatomy: Anatomy, random: Random) => Buffer;

/** Numbers that tend to break readers, as Avro longs. */
const ABSURD = [-1, 0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 45, 2 ** 52, -(2 ** 31), -(2 ** 45)];

const truncate: Mutation = ({ file }, random) => file.subarray(0, below(random, file.length));

const flipBits: Mutation = ({ file }, random) => {
  const spoilt = Buffer.from(file);
  for (let flips = 1 + below(random, 4); flips > 0; flips--) {
    const at = below(random, file.length);
    spoilt[at] = (spoilt[at] ?? 0) ^ (1 << below(random, 8));
  }
  return spoilt;
};

/** A count or a length at the start of a block becomes absurd, or the varint never ends. */
const spoilHead: Mutation = ({ file, blocks }, random) => {
  const at = blocks[below(random, blocks.length)] ?? 0;
  const kind = below(random, 3);
  const absurd = varint(ABSURD[below(random, ABSURD.length)] ?? 0);
  if (kind === 0) return splice(file, at, varintLength(file, at), absurd);
  const lengthAt = at + varintLength(file, at);
  if (kind === 1) return splice(file, lengthAt, varintLength(file, lengthAt), absurd);
  return splice(file, at, 1, Buffer.alloc(1 + below(random, 40), 255));
};

/** A number within the rows becomes absurd: a string's length, an array's count, a branch. */
const spoilRows: Mutation = ({ file, headerBytes }, random) => {
  const at = headerBytes + below(random, file.length - headerBytes);
  return overwrite(file, at, varint(ABSURD[below(random, ABSURD.length)] ?? 0));
};

const spoilSync: Mutation = ({ file, sync }, random) => {
  const markers = occurrences(file, sync);
  const at = markers[below(random, markers.length)] ?? 0;
  return random() < 0.5
    ? overwrite(file, at + below(random, 16), Buffer.from([below(random, 256)]))
    : splice(file, at, below(random, 17), Buffer.alloc(0));
};

/** A sync marker where there is none. */
const addSync: Mutation = ({ file, sync }, random) =>
  overwrite(file, below(random, file.length), sync);

const TYPES = ['"long"', '"string"', '"double"', '"bytes"', '"float"', '"null"', '"boolean"', '[]'];

/** Another type at the place of one, often of the same length in the end. */
const spoilSchema: Mutation = ({ file, headerBytes }, random) => {
  const types = TYPES.flatMap((type) =>
    occurrences(file.subarray(0, headerBytes), Buffer.from(type)).map((at) => ({ at, type })),
  );
  const place = types[below(random, types.length)] ?? { at: 0, type: '' };
  const other = TYPES[below(random, TYPES.length)] ?? '';
  const padded = Buffer.from(other.padEnd(place.type.length));
  return random() < 0.7
    ? overwrite(file, place.at, padded.subarray(0, Math.max(padded.length, place.type.length)))
    : splice(file, place.at, place.type.length, Buffer.from(other));
};

const spoilHeader: Mutation = ({ file, headerBytes }, random) => {
  const at = below(random, headerBytes);
  return random() < 0.5
    ? overwrite(file, at, varint(ABSURD[below(random, ABSURD.length)] ?? 0))
    : splice(file, at, below(random, 20), randomBytes(random, below(random, 20)));
};

/** A piece is doubled, removed, or comes from elsewhere in the file. */
const moveBytes: Mutation = ({ file }, random) => {
  const [from, to] = [below(random, file.length), below(random, file.length)];
  const piece = file.subarray(from, from + below(random, 200));
  return splice(
    file,
    to,
    random() < 0.5 ? 0 : piece.length,
    random() < 0.7 ? piece : Buffer.alloc(0),
  );
};

/** A whole block is lost, doubled or moved: every part of the file is well-formed. */
const moveBlocks: Mutation = ({ file, blocks }, random) => {
  const index = below(random, blocks.length);
  const [from, to] = [blocks[index] ?? 0, blocks[index + 1] ?? file.length];
  const block = file.subarray(from, to);
  const target = blocks[below(random, blocks.length)] ?? 0;
  return random() < 0.4
    ? splice(file, from, block.length, Buffer.alloc(0))
    : splice(file, target, 0, block);
};

const randomEnd: Mutation = ({ file }, random) =>
  Buffer.concat([
    file.subarray(0, below(random, file.length)),
    randomBytes(random, below(random, 300)),
  ]);

const MUTATIONS: readonly Mutation[] = [
  truncate,
  flipBits,
  flipBits,
  spoilHead,
  spoilRows,
  spoilSync,
  addSync,
  spoilSchema,
  spoilHeader,
  moveBytes,
  moveBlocks,
  randomEnd,
];

/** The file with one kind of damage, now and then with two. */
export function mutate(anatomy: Anatomy, random: Random): Buffer {
  const spoil = (file: Buffer) =>
    MUTATIONS[below(random, MUTATIONS.length)]?.({ ...anatomy, file }, random) ?? file;
  const once = spoil(anatomy.file);
  return random() < 0.1 && once.length >= anatomy.file.length ? spoil(once) : once;
}

/** An Avro long. */
export function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value >= 0 ? value * 2 : -value * 2 - 1;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}

export function occurrences(file: Buffer, pattern: Buffer): number[] {
  const found: number[] = [];
  for (let at = file.indexOf(pattern); at !== -1; at = file.indexOf(pattern, at + 1))
    found.push(at);
  return found;
}

function varintLength(file: Buffer, at: number): number {
  let length = 1;
  while ((file[at + length - 1] ?? 0) > 127) length++;
  return length;
}

function splice(file: Buffer, at: number, remove: number, add: Buffer): Buffer {
  return Buffer.concat([file.subarray(0, at), add, file.subarray(at + remove)]);
}

function overwrite(file: Buffer, at: number, bytes: Buffer): Buffer {
  return splice(file, at, bytes.length, bytes);
}

function randomBytes(random: Random, count: number): Buffer {
  return Buffer.from(Array.from({ length: count }, () => below(random, 256)));
}
