import type { VectorType } from '../postgres/vector-types.ts';
import type { Cursor } from './cursor.ts';
import { doubleText } from './read-numbers.ts';
import { nonZeros, type ReadVector, type VectorElements } from './read-vector.ts';
import { type Write, writeNull } from './write-values.ts';

type WriteElements = (c: Cursor, elements: VectorElements) => void;

/** vector_recv: the number of elements, two unused bytes, each element as float4. */
function putVector(c: Cursor, { values, count }: VectorElements): void {
  const length = 4 + 4 * count;
  c.ensure(length);
  putHead(c, length, count);
  const { outView } = c;
  for (let i = 0; i < count; i += 1, c.at += 4) outView.setFloat32(c.at, values[i] as number);
}

/** halfvec_recv: the same with two bytes for each element, rounded from its single precision. */
function putHalfvec(c: Cursor, { values, count }: VectorElements): void {
  const length = 4 + 2 * count;
  c.ensure(length);
  putHead(c, length, count);
  const { outView } = c;
  for (let i = 0; i < count; i += 1, c.at += 2) outView.setFloat16(c.at, values[i] as number);
}

function putHead(c: Cursor, length: number, count: number): void {
  c.outView.setInt32(c.at, length);
  c.outView.setInt16(c.at + 4, count);
  c.outView.setInt16(c.at + 6, 0);
  c.at += 8;
}

/**
 * sparsevec_recv: the number of dimensions, that of the elements which are not zero, four unused bytes,
 * the place of each such element, counted from 0, and then each as float4.
 */
function putSparsevec(c: Cursor, elements: VectorElements): void {
  const { values, count } = elements;
  const stored = nonZeros(elements);
  const length = 12 + 8 * stored;
  c.ensure(length);
  const { outView } = c;
  outView.setInt32(c.at, length);
  outView.setInt32(c.at + 4, count);
  outView.setInt32(c.at + 8, stored);
  outView.setInt32(c.at + 12, 0);
  let index = c.at + 16;
  let value = index + 4 * stored;
  for (let i = 0; i < count; i += 1) {
    const element = values[i] as number;
    if (element === 0) continue;
    outView.setInt32(index, i);
    outView.setFloat32(value, element);
    index += 4;
    value += 4;
  }
  c.at = value;
}

const WRITERS: Readonly<Record<VectorType, WriteElements>> = {
  vector: putVector,
  halfvec: putHalfvec,
  sparsevec: putSparsevec,
};

/** Writes each array that `read` reads as its type receives it, in pgvector's source; an empty one is NULL. */
export function vectorWriter(type: VectorType, read: ReadVector): Write {
  const write = WRITERS[type];
  return (c) => {
    const elements = read(c);
    if (elements.count === 0) writeNull(c);
    else write(c, elements);
  };
}

/** The same as text: `[1,0,2]`, `{1:1,3:2}/3`; undefined is NULL. */
export function vectorTexts(type: VectorType, read: ReadVector): (c: Cursor) => string | undefined {
  const text = type === 'sparsevec' ? sparseText : denseText;
  return (c) => {
    const elements = read(c);
    return elements.count === 0 ? undefined : text(elements);
  };
}

function denseText({ values, count }: VectorElements): string {
  return `[${Array.from(values.subarray(0, count), doubleText).join(',')}]`;
}

function sparseText({ values, count }: VectorElements): string {
  const stored: string[] = [];
  for (const [i, value] of values.subarray(0, count).entries())
    if (value !== 0) stored.push(`${i + 1}:${doubleText(value)}`);
  return `{${stored.join(',')}}/${count}`;
}
