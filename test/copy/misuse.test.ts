import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { createEncoder } from '../../src/copy/create-encoder.ts';
import type { Encoding } from '../../src/copy/encodings.ts';
import { InvalidValueError, MalformedBlockError } from '../../src/copy/row-error.ts';
import { avroBlock, columnsOf, encodeAll, fieldsOf, type Shape } from './round-trip.ts';
import { SAMPLES, type Sample } from './samples.ts';

const sampleOf = (kind: Encoding) => SAMPLES.find((each) => each.encoding === kind) as Sample;
const shapeOf = (kind: Encoding, more: Partial<Shape> = {}): Shape => ({
  sample: sampleOf(kind),
  array: false,
  nulls: 'none',
  elementNulls: 'none',
  ...more,
});

function encode(format: 'binary' | 'text', shapes: readonly Shape[], block: Uint8Array, rows = 1) {
  const encoder = createEncoder(format, columnsOf(shapes), fieldsOf(shapes), 1000);
  return encodeAll(encoder, block, rows, 1000);
}

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return 'nothing was thrown';
}

const bytes = (...values: readonly number[]) => Buffer.from(values);
const ELEVEN = bytes(...Array(10).fill(0x80), 1);
const text = shapeOf('text');
const malformed: readonly (readonly [string, Shape, Buffer])[] = [
  ['a union branch that does not exist', shapeOf('int8', { nulls: 'first' }), bytes(4, 2)],
  ['a number of more than ten bytes', shapeOf('int8'), ELEVEN],
  ['a number that ends within', shapeOf('int8'), bytes(0x80)],
  ['a text longer than the block', text, bytes(20, 65)],
  ['a negative length', text, bytes(1, 65)],
  ['a length beyond all memory', text, bytes(0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01)],
  ['a double cut short', shapeOf('float8'), bytes(1, 2, 3, 4)],
  ['a boolean that is missing', shapeOf('bool'), bytes()],
  ['an array longer than the block', shapeOf('int8', { array: true }), bytes(0x80, 0x80, 0x80, 8)],
  ['an array without an end', shapeOf('bool', { array: true }), bytes(2, 1)],
  [
    'an array of a huge negative count',
    shapeOf('int8', { array: true }),
    bytes(0xff, 0xff, 0xff, 0xff, 0x0f, 2),
  ],
];

describe.each(['binary', 'text'] as const)('in COPY %s', (format) => {
  test.each(malformed)('%s is a malformed block', (_what, shape, block) => {
    // The block is a view of a larger buffer, whose bytes must not be taken for its own.
    const larger = Buffer.concat([bytes(9, 9, 9), block, Buffer.alloc(100, 3)]);
    const view = larger.subarray(3, 3 + block.length);
    const error = thrownBy(() => encode(format, [shape], view));
    expect(error).toBeInstanceOf(MalformedBlockError);
    expect(error).toMatchObject({ row: 0, column: expect.any(Number) });
  });

  test('whatever the bytes are, the encoder ends: with rows, a malformed block or an invalid value', () => {
    const shapes = fc.array(
      fc.record({
        sample: fc.constantFrom(...SAMPLES),
        array: fc.boolean(),
        nulls: fc.constantFrom('none', 'first', 'second'),
        elementNulls: fc.constantFrom('none', 'first', 'second'),
      }),
      { minLength: 1, maxLength: 6 },
    ) as fc.Arbitrary<readonly Shape[]>;
    const property = fc.property(shapes, fc.uint8Array({ maxLength: 400 }), (all, block) => {
      const error = thrownBy(() => encode(format, all, block, 5));
      if (error === 'nothing was thrown') return;
      expect(error instanceof MalformedBlockError || error instanceof InvalidValueError).toBe(true);
    });
    fc.assert(property, { numRuns: 2000 });
  });

  test('a varchar takes as many characters as it declares, counted as PostgreSQL does', () => {
    const columns = columnsOf([text]).map((column) => ({ ...column, maxChars: 3 }));
    const encoder = createEncoder(format, columns, fieldsOf([text]), 1000);
    const put = (value: string) =>
      thrownBy(() => encodeAll(encoder, avroBlock([text], [[value]]), 1, 1000));
    expect(put('é😀x')).toBe('nothing was thrown');
    expect(put('é😀xy')).toMatchObject({ value: 'é😀xy', column: 0 });
    expect(put('x   ')).toBeInstanceOf(InvalidValueError);
  });

  test('a hidden watermark is looked at and not written, whether NULL or not', () => {
    const shapes = [text, shapeOf('int8', { nulls: 'first' })];
    const columns = columnsOf(shapes).map((column, i) =>
      i === 1 ? { ...column, watermark: true, emit: false } : column,
    );
    const encoder = createEncoder(format, columns, fieldsOf(shapes), 1000);
    const one = (watermark: bigint | null) =>
      Buffer.concat(encodeAll(encoder, avroBlock(shapes, [['a', watermark]]), 1, 1000));
    const written = one(null);
    expect(encoder.observed.maxMicros).toBeUndefined();
    expect(one(-5n)).toEqual(written);
    expect(encoder.observed.maxMicros).toBe(-5n);
    one(2n ** 40n);
    one(-(2n ** 40n));
    expect(encoder.observed.maxMicros).toBe(2n ** 40n);
  });

  test('an export with other fields than were asked for is refused', () => {
    const [asked, given] = [[shapeOf('int8')], [shapeOf('text')]];
    const error = thrownBy(() => createEncoder(format, columnsOf(asked), fieldsOf(given), 1000));
    expect(error).toMatchObject({ code: 'UNEXPECTED_SCHEMA' });
    const more = thrownBy(() =>
      createEncoder(format, columnsOf(asked), fieldsOf([...asked, ...given]), 1000),
    );
    expect(more).toMatchObject({ code: 'UNEXPECTED_SCHEMA' });
  });

  const misfits: readonly (readonly [Encoding, unknown, string])[] = [
    ['longAsFloat8', 2n ** 53n + 1n, '9007199254740993'],
    ['longAsFloat4', 2n ** 24n + 1n, '16777217'],
  ];
  test.each(misfits)('%s refuses what the type would round', (kind, value, shown) => {
    const shapes = [shapeOf(kind)];
    const error = thrownBy(() => encode(format, shapes, avroBlock(shapes, [[value]])));
    expect(error).toMatchObject({ value: shown, row: 0, column: 0 });
  });
});

const MISFITS: readonly (readonly [Encoding, unknown, string])[] = [
  ['int4', 2n ** 31n, '2147483648'],
  ['int4', -(2n ** 31n) - 1n, '-2147483649'],
  ['int4', 2n ** 32n, '4294967296'],
  ['int2', 32768n, '32768'],
  ['int2', -32769n, '-32769'],
  ['int2', 2n ** 32n, '4294967296'],
  ['float4', 1e39, '1e+39'],
  ['float4', 1e-50, '1e-50'],
  ['doubleAsInt8', 2 ** 63, '9223372036854776000'],
  ['doubleAsInt8', 1.5, '1.5'],
  ['doubleAsInt8', Number.NaN, 'NaN'],
  ['doubleAsInt4', 2 ** 31, '2147483648'],
  ['doubleAsInt2', -32769, '-32769'],
  ['numeric', '', ''],
  ['numeric', '1,5', '1,5'],
  ['numeric', '1e', '1e'],
  ['numeric', '1e999999', '1e999999'],
  ['numeric', '1.2.3', '1.2.3'],
  ['numeric', '-', '-'],
  ['uuid', '0123', '0123'],
  ['uuid', 'g1234567-89ab-cdef-0123-456789abcdef', 'g1234567-89ab-cdef-0123-456789abcdef'],
];
test.each(MISFITS)('in COPY binary, %s refuses %p and tells the value', (kind, value, shown) => {
  const shapes = [shapeOf(kind)];
  const error = thrownBy(() => encode('binary', shapes, avroBlock(shapes, [[value]])));
  expect(error).toBeInstanceOf(InvalidValueError);
  expect(error).toMatchObject({ value: shown, row: 0, column: 0 });
});

test('a misfit tells its row within the call, and its column', () => {
  const shapes = [shapeOf('int8'), shapeOf('int2')];
  const rows = [
    [1n, 1n],
    [2n, 2n],
    [3n, 70_000n],
  ];
  const error = thrownBy(() => encode('binary', shapes, avroBlock(shapes, rows), 3));
  expect(error).toMatchObject({ row: 2, column: 1 });
});
