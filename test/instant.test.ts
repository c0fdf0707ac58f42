import { expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  instantOfPostgresMicros,
  instantOfUnixMicros,
  laterInstant,
  nextMicrosecond,
} from '../src/instant.ts';

const FIRST = -62_135_596_800_000_000n;
const LAST = 253_402_300_799_999_999n;

test.each([
  [0n, '1970-01-01 00:00:00.000000'],
  [-1n, '1969-12-31 23:59:59.999999'],
  [1n, '1970-01-01 00:00:00.000001'],
  [-1_000n, '1969-12-31 23:59:59.999000'],
  [1_709_210_096_123_456n, '2024-02-29 12:34:56.123456'],
  [FIRST, '0001-01-01 00:00:00.000000'],
  [LAST, '9999-12-31 23:59:59.999999'],
])('%p microseconds since 1970 are %s', (micros, text) => {
  expect(instantOfUnixMicros(micros)).toBe(text);
});

test('Postgres counts from 2000', () => {
  expect(instantOfPostgresMicros(0n)).toBe('2000-01-01 00:00:00.000000');
  expect(instantOfPostgresMicros(-1n)).toBe('1999-12-31 23:59:59.999999');
});

const micros = fc.bigInt({ min: FIRST, max: LAST - 1n });

test('texts sort as the instants do, and the next microsecond is the next instant', () => {
  const property = fc.property(micros, micros, (one, other) => {
    const [a, b] = [instantOfUnixMicros(one), instantOfUnixMicros(other)];
    expect(a < b).toBe(one < other);
    expect(laterInstant(a, b)).toBe(one < other ? b : a);
    expect(nextMicrosecond(a)).toBe(instantOfUnixMicros(one + 1n));
  });
  fc.assert(property, { numRuns: 500 });
});

test('the next microsecond carries over to the next year', () => {
  expect(nextMicrosecond('2023-12-31 23:59:59.999999')).toBe('2024-01-01 00:00:00.000000');
});

test('nothing is before every instant', () => {
  expect(laterInstant(undefined, undefined)).toBeUndefined();
  expect(laterInstant('2024-01-01 00:00:00.000000', undefined)).toBe('2024-01-01 00:00:00.000000');
  expect(laterInstant(undefined, '2024-01-01 00:00:00.000000')).toBe('2024-01-01 00:00:00.000000');
});
