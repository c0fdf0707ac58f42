import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { groupSplits, planSplits, type Split } from '../../src/avro/splits.ts';

const object = (size: number, name = 'a') => ({
  bucket: 'b',
  name,
  generation: '1',
  size,
  crc32c: '',
});

test('splits cover their object without gap or overlap, none larger than asked for', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2 ** 40 }),
      fc.integer({ min: 2 ** 31, max: 2 ** 34 }),
      (size, splitBytes) => {
        const splits = planSplits([object(size)], splitBytes);
        expect(splits[0]?.start).toBe(0);
        expect(splits.at(-1)?.end).toBe(size);
        expect(splits.slice(1).map(({ start }) => start)).toEqual(
          splits.slice(0, -1).map(({ end }) => end),
        );
        expect(splits.every(({ start, end }) => end - start <= splitBytes && end > start)).toBe(
          true,
        );
      },
    ),
  );
});

test('one large object gives many splits, each with an id of its own', () => {
  const splits = planSplits([object(2 ** 30), object(10, 'b')], 64 * 2 ** 20);
  expect(splits.length).toBe(17);
  expect(new Set(splits.map(({ id }) => id)).size).toBe(17);
  expect(splits[1]?.id).toBe('a#1:67108864-134217728');
});

describe('groups of splits', () => {
  const sizes = (groups: readonly (readonly Split[])[]) =>
    groups.map((group) => group.map(({ start, end }) => end - start));
  const ofSizes = (...bytes: number[]) =>
    bytes.map((size, i) => ({ id: String(i), object: object(0), start: 0, end: size }));

  test('small ones travel together, large ones alone, all in order', () => {
    expect(sizes(groupSplits(ofSizes(3, 3, 4, 1, 20, 2, 2, 10, 9), 10))).toEqual([
      [3, 3, 4],
      [1],
      [20],
      [2, 2],
      [10],
      [9],
    ]);
  });

  test('nothing is no group', () => {
    expect(groupSplits([], 10)).toEqual([]);
  });
});
