import { expect, test } from 'bun:test';
import { buildPercent, DONE } from '../../../src/swap/build/build-percent.ts';
import type { BuildProgress } from '../../../src/swap/build/index-progress.ts';

const SCAN = 'building index: scanning table';
const SORT = 'building index: sorting live tuples';
const WRITE = 'building index: loading tuples in tree';

test('indexes under way count by what the server says of them, and those that are done as a whole', () => {
  const percentOf = buildPercent(2);
  const tell = (object: string, phase: string, done = 0, total = 0) =>
    percentOf({ object, phase, done, total } satisfies BuildProgress);
  expect(tell('a', 'initializing')).toBe(0);
  expect(tell('a', SCAN, 50, 100)).toBe(12);
  expect(tell('a', SORT)).toBe(25);
  expect(tell('b', SCAN, 100, 100)).toBe(50);
  expect(tell('a', WRITE, 50, 100)).toBe(62);
  expect(tell('a', DONE)).toBe(75);
  expect(tell('b', SCAN, 10, 100)).toBe(75);
  expect(tell('b', DONE)).toBe(100);
  expect(tell('a', 'adding constraint')).toBe(100);
});

test('an index of pgvector counts by the blocks or rows of its last phase', () => {
  const percentOf = buildPercent(2);
  const tell = (object: string, phase: string, done = 0, total = 0) =>
    percentOf({ object, phase: `building index: ${phase}`, done, total } satisfies BuildProgress);
  expect(tell('hnsw', 'initializing')).toBe(0);
  expect(tell('hnsw', 'loading tuples', 10, 100)).toBe(5);
  expect(tell('hnsw', 'loading tuples', 100, 100)).toBe(50);
  expect(tell('ivfflat', 'performing k-means')).toBe(50);
  expect(tell('ivfflat', 'assigning tuples', 100, 100)).toBe(75);
  expect(tell('ivfflat', 'loading tuples', 10, 100)).toBe(75);
  expect(tell('ivfflat', 'loading tuples', 80, 100)).toBe(90);
});
