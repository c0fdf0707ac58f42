import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { Block } from '../../src/avro/block-parser.ts';
import { readBlocks, type SplitChecksum } from '../../src/avro/blocks.ts';
import { checkObject } from '../../src/avro/check-object.ts';
import { fetchHeader, type Header, type HeaderOf } from '../../src/avro/header.ts';
import { planSplits } from '../../src/avro/splits.ts';
import { memoryStore, objectOf } from './memory-store.ts';
import { FOREVER, readRows } from './read-rows.ts';
import { exampleRow, SCHEMA, writeAvro } from './write-file.ts';

const examples = (count: number, size?: number) =>
  Array.from({ length: count }, (_, index) => exampleRow(index, size));
const numbers = (count: number) => Array.from({ length: count }, (_, index) => BigInt(index));

async function fileOf(rows: number, options: Parameters<typeof writeAvro>[2] = {}, size?: number) {
  return await writeAvro(SCHEMA, examples(rows, size), options);
}

/** The bytes of an Avro long. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value >= 0 ? value * 2 : -value * 2 - 1;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}

/** The code and message of what reading the file ends with. */
async function failureOf(bytes: Buffer, splitBytes = 1e9): Promise<string> {
  const reading = readRows(memoryStore(bytes), objectOf(bytes), splitBytes);
  return await reading.then(
    () => 'no error',
    (error) => `${error.code}: ${error.message}`,
  );
}

describe('each row is read exactly once and in order', () => {
  test('for any split size, chunk size, block size and codec', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          rows: fc.nat(120),
          splitBytes: fc.oneof(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 65, max: 9000 })),
          chunkBytes: fc.integer({ min: 1, max: 5000 }),
          blockBytes: fc.integer({ min: 1, max: 3000 }),
          codec: fc.constantFrom('null' as const, 'deflate' as const),
        }),
        async ({ rows, splitBytes, chunkBytes, blockBytes, codec }) => {
          const file = await fileOf(rows, { codec, blockBytes });
          const read = await readRows(memoryStore(file, chunkBytes), objectOf(file), splitBytes);
          expect(read.map(({ c0 }) => c0)).toEqual(numbers(rows));
        },
      ),
      { numRuns: 150 },
    );
  }, 60_000);

  test('with every value as it was written', async () => {
    const file = await fileOf(60, { codec: 'deflate', blockBytes: 300 });
    const read = await readRows(memoryStore(file, 77), objectOf(file), 500);
    const written = examples(60).map((row) => ({
      ...row,
      c0: BigInt(row.c0),
      c5: row.c5.map(BigInt),
    }));
    expect(read).toEqual(written as unknown as typeof read);
  });

  test('where the sync marker also stands within a row', async () => {
    const sync = Buffer.from('0123456789abcdef');
    // Followed by two zeros and a real marker it could not be told from an empty block.
    const rows = Array.from({ length: 40 }, (_, i) => ({
      ...exampleRow(i),
      c4: sync,
      c1: `${sync}`,
      c6: ['x'],
    }));
    const file = await writeAvro(SCHEMA, rows, { sync, blockBytes: 400 });
    for (const splitBytes of [3, 50, 400, 5000]) {
      const read = await readRows(memoryStore(file, 61), objectOf(file), splitBytes);
      expect(read.map(({ c0 }) => c0)).toEqual(numbers(40));
    }
  });

  test('where one cell is larger than many splits', async () => {
    const rows = [exampleRow(0), { ...exampleRow(1), c1: 'x'.repeat(50_000_000) }, exampleRow(2)];
    const file = await writeAvro(SCHEMA, rows, { blockBytes: 100 });
    const read = await readRows(memoryStore(file), objectOf(file), 8_000_000);
    expect(read.map(({ c1 }) => (c1 as string | null)?.length)).toEqual([
      undefined,
      50_000_000,
      20,
    ]);
  });

  test('where the object holds a header and nothing else', async () => {
    const file = await fileOf(0);
    expect(await readRows(memoryStore(file), objectOf(file), 1000)).toEqual([]);
    expect(await readRows(memoryStore(file), objectOf(file), 10)).toEqual([]);
  });
});

describe('the path of a byte', () => {
  test('blocks within one chunk are views, and tell where they stand', async () => {
    const file = await fileOf(100, { blockBytes: 300 });
    const blocks: Block[] = [];
    const buffers = new Set<unknown>();
    await readRows(memoryStore(file, file.length), objectOf(file), 1e9, (block) => {
      blocks.push(block);
      buffers.add(block.bytes.buffer);
    });
    expect(blocks.length).toBeGreaterThan(5);
    expect(buffers.size).toBe(1);
    expect(blocks.at(-1)?.end).toBe(file.length);
    expect(blocks.slice(1).map(({ start }) => start)).toEqual(
      blocks.slice(0, -1).map(({ end }) => end),
    );
  });

  test('the memory of a chunk is given back when its blocks were used', async () => {
    const file = await fileOf(20_000, { blockBytes: 300 });
    const chunks = new Set<ArrayBuffer>();
    const held: number[] = [];
    await readRows(memoryStore(file, 16_384), objectOf(file), 1e9, ({ bytes }) => {
      const { buffer } = bytes as { buffer: ArrayBuffer };
      if (buffer.byteLength === 16_384) chunks.add(buffer); // else a copy of what lay across two
      held.push([...chunks].filter(({ detached }) => !detached).length);
    });
    expect(chunks.size).toBeGreaterThan(10);
    expect(Math.max(...held)).toBe(1);
  });

  test('a split whose last block fits into the overlap takes one request', async () => {
    const file = await fileOf(2000, { blockBytes: 100 });
    const store = memoryStore(file);
    await readRows(store, objectOf(file), file.length / 2 + 1);
    expect(store.requests.length).toBe(3); // the header, two splits
  });

  test('the first split of an object brings its header, however small the pieces and long the header', async () => {
    const file = await fileOf(200, { blockBytes: 300 });
    const store = memoryStore(file, 7);
    const [split] = planSplits([objectOf(file)], 1e9);
    let header: Header | undefined;
    const headerOf: HeaderOf = async (_split, read) => {
      header = await read?.();
      if (header === undefined) throw new Error('there is none');
      return header;
    };
    const reader = readBlocks(store, headerOf, split as NonNullable<typeof split>, FOREVER);
    let rows = 0;
    for await (const block of reader) rows += block.rows;
    expect(rows).toBe(200);
    expect(header).toEqual(await fetchHeader(memoryStore(file), objectOf(file), FOREVER));
    expect(store.requests.length).toBe(1);
  });

  test('reading starts before the first block is asked for', async () => {
    const file = await fileOf(10);
    const store = memoryStore(file);
    const header = await fetchHeader(store, objectOf(file), FOREVER);
    const [split] = planSplits([objectOf(file)], 1e9);
    readBlocks(store, async () => header, split as NonNullable<typeof split>, FOREVER);
    expect(store.requests.length).toBe(2);
  });

  test('a split that was not read to its end has no sum', async () => {
    const file = await fileOf(100, { blockBytes: 300 });
    const header = await fetchHeader(memoryStore(file), objectOf(file), FOREVER);
    const [split] = planSplits([objectOf(file)], 1e9);
    const reader = readBlocks(
      memoryStore(file),
      async () => header,
      split as NonNullable<typeof split>,
      FOREVER,
    );
    for await (const _block of reader) break;
    expect(() => reader.checksum()).toThrow('was not read to its end');
  });
});

describe('a malformed object is a clear error', () => {
  const uri = 'gs://lab/shard.avro';

  test('wrong magic', async () => {
    const file = await fileOf(5);
    file[0] = 0x50;
    expect(await failureOf(file)).toContain(`BAD_AVRO: ${uri}`);
    expect(await failureOf(file)).toContain('it starts with the bytes 50626a01');
  });

  test('an end within the header', async () => {
    const file = await fileOf(5);
    expect(await failureOf(file.subarray(0, 60))).toContain('ends within its header, at byte 60');
    expect(await failureOf(Buffer.alloc(0))).toContain('ends within its header, at byte 0');
  });

  test('an end within a block, with the byte at which the block starts', async () => {
    const file = await fileOf(5);
    const { headerBytes } = await fetchHeader(memoryStore(file), objectOf(file), FOREVER);
    expect(await failureOf(file.subarray(0, -1))).toContain(
      `the block at byte ${headerBytes} is cut off`,
    );
  });

  test('a wrong sync marker', async () => {
    const file = await fileOf(5);
    file[file.length - 1] = (file.at(-1) ?? 0) ^ 1;
    expect(await failureOf(file)).toContain('has no sync marker after its');
  });

  test('absurd counts and lengths', async () => {
    const empty = await fileOf(0);
    const sync = empty.subarray(-16);
    const block = (rows: number, length: number) =>
      Buffer.concat([empty, varint(rows), varint(length), Buffer.alloc(14, 2), sync]);
    expect(await failureOf(block(1, 14))).not.toContain('BAD_AVRO: the block');
    expect(await failureOf(block(2 ** 50, 14))).toContain('rows in 14 bytes');
    expect(await failureOf(block(-1, 14))).toContain('says that it has -1 rows');
    expect(await failureOf(block(0, 14))).toContain('0 rows in 14 bytes');
    expect(await failureOf(block(1, -14))).toContain('says that it has -14 bytes');
    expect(await failureOf(block(1, 2 ** 45))).toContain(`says that it has ${2 ** 45} bytes`);
    const endless = Buffer.concat([empty, Buffer.alloc(30, 255)]);
    expect(await failureOf(endless)).toContain('has no row count');
  });

  test('deflated bytes that do not inflate', async () => {
    const file = await fileOf(50, { codec: 'deflate', blockBytes: 1e6 });
    file.fill(255, file.length - 60, file.length - 20);
    expect(await failureOf(file)).toMatch(/does not inflate|rows in/);
  });

  test('an unknown codec', async () => {
    const file = await fileOf(5, { codec: 'deflate' });
    const name = file.indexOf('deflate');
    file.write('snappyy', name);
    expect(await failureOf(file)).toContain('it is compressed by "snappyy"');
  });

  test('a flipped byte that leaves the structure as it was', async () => {
    const file = await fileOf(50);
    const object = objectOf(file);
    const flipped = Buffer.from(file);
    const at = flipped.lastIndexOf('é');
    flipped[at + 1] = (flipped[at + 1] ?? 0) ^ 1;
    for (const splitBytes of [100, 1e9]) {
      const reading = readRows(memoryStore(flipped), object, splitBytes);
      await expect(reading).rejects.toMatchObject({ code: 'CORRUPT_OBJECT' });
      await expect(reading).rejects.toThrow('did not arrive as it was written');
    }
  });
});

describe('the check of an object', () => {
  async function sumsOf(file: Buffer, splitBytes: number) {
    const store = memoryStore(file);
    const header = await fetchHeader(store, objectOf(file), FOREVER);
    const sums: SplitChecksum[] = [];
    for (const split of planSplits([objectOf(file)], splitBytes)) {
      const reader = readBlocks(store, async () => header, split, FOREVER);
      for await (const _block of reader);
      sums.push(reader.checksum());
    }
    return { header, sums };
  }

  test('takes the sums in any order, also from a ledger', async () => {
    const file = await fileOf(200, { blockBytes: 300 });
    const { header, sums } = await sumsOf(file, 700);
    const stored = JSON.parse(JSON.stringify(sums.toReversed())) as SplitChecksum[];
    expect(() => checkObject(objectOf(file), header, stored)).not.toThrow();
  });

  test('fails where a split without any block is missing', async () => {
    const file = await fileOf(20, { blockBytes: 1e6 });
    const { header, sums } = await sumsOf(file, 100);
    const blockless = sums.findIndex(({ firstBlock }) => firstBlock === null);
    expect(() => checkObject(objectOf(file), header, sums.toSpliced(blockless, 1))).toThrow(
      'were not read exactly once',
    );
  });

  test('fails where a split is missing, doubled or skipped a block', async () => {
    const file = await fileOf(200, { blockBytes: 300 });
    const { header, sums } = await sumsOf(file, 700);
    const check = (changed: readonly SplitChecksum[]) => () =>
      checkObject(objectOf(file), header, changed);
    const [first, second, ...others] = sums;
    if (first === undefined || second === undefined) throw new Error('too few splits');
    expect(check([first, ...others])).toThrow('were not read exactly once');
    expect(check(sums.slice(0, -1))).toThrow('were not read exactly once');
    expect(check([first, first, second, ...others])).toThrow('were not read exactly once');
    const skipped = { ...second, firstBlock: (second.firstBlock ?? 0) + 1 };
    expect(check([first, skipped, ...others])).toThrow('were not read exactly once');
  });
});
