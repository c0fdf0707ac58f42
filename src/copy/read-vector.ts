import type { AvroScalar, AvroValueType } from '../avro/schema.ts';
import type { VectorType } from '../postgres/vector-types.ts';
import { type Cursor, readItemCount } from './cursor.ts';
import { doubleText, longText, readDouble, readRoundableLong } from './read-numbers.ts';
import { InvalidValueError, MalformedBlockError } from './row-error.ts';

/** The vector that the elements of an array become. */
export interface VectorShape {
  readonly type: VectorType;
  /** n of vector(n); undefined: any number of elements. */
  readonly dimensions: number | undefined;
}

/** The elements of one array in single precision: the first `count` of `values`. */
export interface VectorElements {
  readonly values: Float32Array;
  readonly count: number;
}

/** Reads one array from the block. What it gives is overwritten by its next call. */
export type ReadVector = (c: Cursor) => VectorElements;

/** VECTOR_MAX_DIM, HALFVEC_MAX_DIM and SPARSEVEC_MAX_NNZ in pgvector's headers. */
const MAX_ELEMENTS = 16_000;

/** The least number that rounds to infinity in half precision (IEEE 754: 65504 and half a step). */
const BEYOND_HALF = 65_520;

/**
 * Reads arrays of doubles or longs for a type of pgvector, each element rounded to single precision:
 * from there halfvec goes on to half precision (array_to_vector and array_to_halfvec in pgvector's
 * source). Throws InvalidValueError, in pgvector's words, for what it refuses: NULL, NaN and infinite
 * elements, those beyond the precision, and a number of elements that the type does not take. An array
 * without elements is not refused.
 */
export function vectorReader(
  shape: VectorShape,
  scalar: AvroScalar,
  nullBranch: AvroValueType['nullBranch'],
): ReadVector {
  const isLong = scalar === 'long';
  const read = nonNull(isLong ? readRoundableLong : readDouble, nullBranch);
  const beyond = shape.type === 'halfvec' ? BEYOND_HALF : Infinity;
  let values = new Float32Array(1024);
  return (c) => {
    let count = 0;
    for (let left = readItemCount(c); left > 0; left = readItemCount(c)) {
      values = withRoom(values, count + left);
      for (const end = count + left; count < end; count += 1) {
        const value = read(c);
        const single = Math.fround(value);
        if (!(Math.abs(single) < beyond))
          throw outOfRange(value, isLong ? longText(c) : doubleText(value), shape);
        values[count] = single;
      }
    }
    const elements = { values, count };
    if (count > 0) checkCount(elements, shape);
    return elements;
  };
}

function nonNull(read: (c: Cursor) => number, branch: 0 | 1 | undefined): (c: Cursor) => number {
  if (branch === undefined) return read;
  return (c) => {
    const byte = c.bytes[c.pos++];
    if (byte === 2 - branch * 2) return read(c);
    if (byte !== branch * 2) throw new MalformedBlockError('a union has no such branch');
    throw new InvalidValueError('array must not contain nulls', { elements: 'NULL' });
  };
}

function withRoom(values: Float32Array<ArrayBuffer>, count: number): Float32Array<ArrayBuffer> {
  if (count <= values.length) return values;
  const larger = new Float32Array(Math.max(count, 2 * values.length));
  larger.set(values);
  return larger;
}

function outOfRange(value: number, text: string, { type }: VectorShape): InvalidValueError {
  if (Number.isNaN(value)) return new InvalidValueError(`NaN not allowed in ${type}`, text);
  if (!Number.isFinite(value))
    return new InvalidValueError(`infinite value not allowed in ${type}`, text);
  return new InvalidValueError(`out of range for type ${type}`, text);
}

function checkCount({ values, count }: VectorElements, { type, dimensions }: VectorShape): void {
  const refuse = (reason: string) => new InvalidValueError(reason, { elements: count });
  if (dimensions !== undefined && count !== dimensions)
    throw refuse(`expected ${dimensions} dimensions, not ${count}`);
  if (count <= MAX_ELEMENTS) return;
  if (type !== 'sparsevec')
    throw refuse(`${type} cannot have more than ${MAX_ELEMENTS} dimensions`);
  if (nonZeros({ values, count }) > MAX_ELEMENTS)
    throw refuse(`sparsevec cannot have more than ${MAX_ELEMENTS} non-zero elements`);
}

/** How many elements a sparsevec holds: zeros are not stored. */
export function nonZeros({ values, count }: VectorElements): number {
  let found = 0;
  for (let i = 0; i < count; i += 1) if (values[i] !== 0) found += 1;
  return found;
}
