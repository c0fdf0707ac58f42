import { expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  amountText,
  bytesText,
  countText,
  secondsText,
  shortCountText,
} from '../../src/report/figures.ts';
import { finishedLine, liveLine } from '../../src/report/phase-line.ts';

const amount = fc.double({ min: 0, max: 1e15, noNaN: true });

test('a live line is never wider than the terminal, and never more than one line', () => {
  const state = fc.record({
    name: fc.constantFrom('swap' as const, 'load' as const, 'clean up' as const),
    expected: fc.record(
      { total: amount, unit: fc.constantFrom('rows', 'objects') },
      { requiredKeys: [] },
    ),
    done: amount,
    rows: amount,
    bytes: amount,
    seconds: amount,
  });
  fc.assert(
    fc.property(state, fc.integer({ min: 0, max: 300 }), (phase, columns) => {
      const line = liveLine(phase, columns);
      expect(line.length).toBeLessThanOrEqual(columns);
      expect(line).not.toContain('\n');
    }),
  );
});

test('what matters least is left out first on a narrow terminal', () => {
  const state = {
    name: 'load',
    expected: { total: 300, unit: 'rows' },
    done: 150,
    seconds: 10,
  } as const;
  expect(liveLine(state, 79)).toContain('150 of 300 rows  15 rows/s  10 s left');
  expect(liveLine(state, 50)).toContain(' 50%  15 rows/s  10 s left');
  expect(liveLine(state, 38)).toEndWith(' 50%  10 s left');
});

test.each([
  [0, '0'],
  [999, '999'],
  [999.7, '1.0k'],
  [1234, '1.2k'],
  [12_345, '12k'],
  [999_600, '1.0M'],
  [3e6, '3.0M'],
])('%d rows are %s in narrow places', (count, text) => {
  expect(shortCountText(count)).toBe(text);
});

test('figures have units and separators', () => {
  expect(countText(1_234_567)).toBe('1,234,567');
  expect(bytesText(211_000_000)).toBe('211 MB');
  expect([0.04, 9.96, 59.4, 59.6, 185, 7625].map(secondsText)).toEqual([
    '0.0 s',
    '10 s',
    '59 s',
    '1 min 0 s',
    '3 min 5 s',
    '2 h 7 min',
  ]);
});

test('one row is a row, in amounts, in phases and in bars', () => {
  const amounts = [0, 1, 1.2, 2].map((count) => amountText(count, 'rows'));
  expect(amounts).toEqual(['0 rows', '1 row', '1 row', '2 rows']);
  expect(amountText(1, '%')).toBe('1 %');
  const state = {
    name: 'load',
    expected: { total: 1, unit: 'rows' },
    done: 1,
    rows: 1,
    seconds: 0.5,
  } as const;
  expect(finishedLine(state)).toBe('load: 1 row in 0.5 s, 2 rows/s');
  expect(liveLine(state, 79)).toContain('1 of 1 row');
  expect(liveLine(state, 79)).not.toContain('rows');
});
