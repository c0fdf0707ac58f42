import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { createEncoder } from '../../src/copy/create-encoder.ts';
import type { VectorShape } from '../../src/copy/read-vector.ts';
import { InvalidValueError, MalformedBlockError } from '../../src/copy/row-error.ts';
import type { VectorType } from '../../src/postgres/vector-types.ts';
import { sharedPostgres } from '../server/shared.ts';
import { avroBlock, columnsOf, encodeAll, fieldsOf, type Nulls, type Shape } from './round-trip.ts';
import { SAMPLES, type Sample } from './samples.ts';

const sampleOf = (encoding: string) => SAMPLES.find((each) => each.encoding === encoding) as Sample;

/** A column of arrays of doubles, or of longs, that become vectors. */
function vectorOf(
  type: VectorType,
  dimensions?: number,
  encoding = 'float8',
  nulls: Nulls = 'none',
): Shape {
  const vector: VectorShape = { type, dimensions };
  return { sample: sampleOf(encoding), array: true, nulls, elementNulls: nulls, vector };
}

/** What goes to COPY for a row of one column, without header, trailer and the count of columns. */
function encoded(format: 'binary' | 'text', shape: Shape, array: unknown): Buffer {
  const encoder = createEncoder(format, columnsOf([shape]), fieldsOf([shape]), 1000);
  const [, row] = encodeAll(encoder, avroBlock([shape], [[array]]), 1, 1000);
  return format === 'text' ? (row as Buffer) : (row as Buffer).subarray(2);
}

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('an array becomes', () => {
  /** As vector_recv, halfvec_recv and sparsevec_recv in pgvector's source read it. */
  const RECEIVED = [
    ['vector', [1, -2.5, 0], '00000010 0003 0000 3f800000 c0200000 00000000', '[1,-2.5,0]'],
    ['halfvec', [1, -2.5, 65504], '0000000a 0003 0000 3c00 c100 7bff', '[1,-2.5,65504]'],
    [
      'sparsevec',
      [0, 1, -0, 2, 1e-60],
      '0000001c 00000005 00000002 00000000 00000001 00000003 3f800000 40000000',
      '{2:1,4:2}/5',
    ],
    ['sparsevec', [0, 0], '0000000c 00000002 00000000 00000000', '{}/2'],
  ] as const;

  test.each(RECEIVED)('a %s of %p', (type, array, received, text) => {
    for (const nulls of ['none', 'first', 'second'] as const) {
      const shape = vectorOf(type, array.length, 'float8', nulls);
      expect(encoded('binary', shape, array).toString('hex')).toBe(hex(received).toString('hex'));
      expect(encoded('text', shape, array).toString()).toBe(`${text}\n`);
    }
  });

  test('NULL where it has no elements, as BigQuery keeps NULL', () => {
    for (const type of ['vector', 'halfvec', 'sparsevec'] as const) {
      expect(encoded('binary', vectorOf(type, 3), [])).toEqual(hex('ffffffff'));
      expect(encoded('text', vectorOf(type, 3), []).toString()).toBe('\\N\n');
    }
  });

  test('a vector of any length where its column declares none', () => {
    const array = Array.from({ length: 16_000 }, (_, i) => i);
    expect(encoded('binary', vectorOf('vector'), array).subarray(4, 8)).toEqual(hex('3e80 0000'));
    expect(encoded('binary', vectorOf('sparsevec'), [0, ...array, 0]).subarray(4, 12)).toEqual(
      hex('00003e82 00003e7f'),
    );
  });

  test('single precision of longs as PostgreSQL rounds them, once', async () => {
    await using database = await (await sharedPostgres()).createDatabase();
    const ties = fc
      .tuple(fc.bigInt({ min: 1n, max: 2n ** 25n }), fc.integer({ min: 0, max: 38 }))
      .chain(([value, shift]) =>
        fc.bigInt({ min: -2n, max: 2n }).map((more) => (value << BigInt(shift)) + more),
      );
    const longs = fc.array(fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), ties), {
      minLength: 1,
      maxLength: 2000,
    });
    const property = fc.asyncProperty(longs, async (array) => {
      const text = encoded('text', vectorOf('vector', undefined, 'int8'), array).toString();
      const [row] = await database.sql`
        SELECT jsonb_agg(x::int8::float4::float8 ORDER BY n)::text AS wanted
        FROM jsonb_array_elements_text(${JSON.stringify(array.map(String))}::text::jsonb)
          WITH ORDINALITY AS a(x, n)`;
      expect(JSON.parse(text)).toEqual(JSON.parse(row?.['wanted']));
    });
    await fc.assert(property, { numRuns: 20 });
  });
});

describe('refused in the words of pgvector is', () => {
  const many = Array.from({ length: 16_001 }, () => 1);
  const REFUSED = [
    ['vector', [1, 2], { elements: 2 }, 'expected 3 dimensions, not 2'],
    ['halfvec', [1, 2, 3, 4], { elements: 4 }, 'expected 3 dimensions, not 4'],
    ['sparsevec', [0], { elements: 1 }, 'expected 3 dimensions, not 1'],
    ['vector', [1, Number.NaN, 3], 'NaN', 'NaN not allowed in vector'],
    ['halfvec', [Infinity], 'Infinity', 'infinite value not allowed in halfvec'],
    ['sparsevec', [0, -Infinity, 0], '-Infinity', 'infinite value not allowed in sparsevec'],
    ['vector', [1e39, 0, 0], '1e+39', 'out of range for type vector'],
    ['halfvec', [0, 65520, 0], '65520', 'out of range for type halfvec'],
    ['vector', [1, null, 3], { elements: 'NULL' }, 'array must not contain nulls'],
  ] as const;

  test.each(REFUSED)('for a %s %p', (type, array, value, told) => {
    for (const format of ['binary', 'text'] as const) {
      const refused = () => encoded(format, vectorOf(type, 3, 'float8', 'first'), array);
      expect(refused).toThrow(InvalidValueError);
      expect(refused).toThrow(expect.objectContaining({ message: told, value, row: 0, column: 0 }));
    }
  });

  test.each([
    ['vector', 'vector cannot have more than 16000 dimensions'],
    ['halfvec', 'halfvec cannot have more than 16000 dimensions'],
    ['sparsevec', 'sparsevec cannot have more than 16000 non-zero elements'],
  ] as const)('for any %s more than it holds', (type, told) => {
    expect(() => encoded('binary', vectorOf(type), many)).toThrow(told);
  });

  test('for a halfvec a long beyond it, with all of its digits', () => {
    const refused = () => encoded('binary', vectorOf('halfvec', 1, 'int8'), [2n ** 53n + 1n]);
    expect(refused).toThrow(expect.objectContaining({ value: '9007199254740993' }));
  });
});

test('an element whose union has no such branch makes the block malformed', () => {
  const shape = vectorOf('vector', 1, 'float8', 'first');
  const encoder = createEncoder('binary', columnsOf([shape]), fieldsOf([shape]), 1000);
  expect(() => encodeAll(encoder, Buffer.from([2, 2, 4, 0]), 1, 1000)).toThrow(MalformedBlockError);
});
