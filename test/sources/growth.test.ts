import { expect, test } from 'bun:test';
import { createEncoder } from '../../src/copy/create-encoder.ts';
import type { Encoding } from '../../src/copy/encodings.ts';
import { avroBlock, columnsOf, encodeAll, fieldsOf, type Shape } from '../copy/round-trip.ts';
import { SAMPLES, type Sample } from '../copy/samples.ts';

const shape = (kind: Encoding): Shape => ({
  sample: SAMPLES.find((each) => each.encoding === kind) as Sample,
  array: false,
  nulls: 'none',
  elementNulls: 'none',
});

/** A long text before 499 numbers, twice: the numbers count on room that the text has made. */
const SHAPES = Array.from({ length: 1000 }, (_, i) => shape(i % 500 === 0 ? 'text' : 'int8'));
const CHUNK_BYTES = 1000;

/** COPY BINARY and COPY text, made from the reference page of COPY. */
const EXPECTED = {
  binary: (cells: readonly (string | bigint)[]) => {
    const fields = cells.map((cell) => {
      const value = Buffer.alloc(8);
      if (typeof cell === 'bigint') value.writeBigInt64BE(cell);
      const bytes = typeof cell === 'bigint' ? value : Buffer.from(cell);
      const length = Buffer.alloc(4);
      length.writeInt32BE(bytes.length);
      return Buffer.concat([length, bytes]);
    });
    const count = Buffer.alloc(2);
    count.writeInt16BE(cells.length);
    return Buffer.concat([count, ...fields]);
  },
  text: (cells: readonly (string | bigint)[]) => Buffer.from(`${cells.join('\t')}\n`),
} as const;

test.each(['binary', 'text'] as const)(
  'in COPY %s, a row of 1,000 columns is whole wherever the buffer ends in it',
  (format) => {
    // Numbers take 6 KB: of all lengths in steps of less, some text ends right before the buffer does.
    for (let length = 0; length < 200_000; length += 2500) {
      const cells = SHAPES.map(({ sample }, i) =>
        sample.encoding === 'text' ? 'x'.repeat(length) : BigInt(i),
      );
      const encoder = createEncoder(format, columnsOf(SHAPES), fieldsOf(SHAPES), CHUNK_BYTES);
      const chunks = encodeAll(encoder, avroBlock(SHAPES, [cells, cells]), 2, CHUNK_BYTES);
      const row = EXPECTED[format](cells);
      const expected = Buffer.concat([encoder.header, row, row, encoder.trailer]);
      expect(Buffer.concat(chunks).equals(expected)).toBe(true);
    }
  },
);
