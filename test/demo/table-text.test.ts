import { expect, test } from 'bun:test';
import { tableText } from './table-text.ts';

const columns = [
  { name: 'place', numeric: false },
  { name: 'n', numeric: true },
];

test('a table looks as psql prints it', () => {
  const rows = [
    ['Hualian', '6'],
    [null, '10'],
  ];
  expect(tableText({ columns, rows })).toBe(
    ['  place  | n', '---------+----', ' Hualian |  6', '         | 10', '(2 rows)'].join('\n'),
  );
});

test('the widest columns are cut until a line fits', () => {
  const text = tableText({ columns, rows: [['22km NNE of Hualian', '6']] }, 20);
  expect(text).toContain(' 22km NNE of H… | 6\n');
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBe(20);
});

test('one row is not called rows', () => {
  expect(tableText({ columns, rows: [['a', '1']] })).toEndWith('(1 row)');
});
