import { expect, test } from 'bun:test';
import type { Column } from '../../src/plan/export-column.ts';
import { rowPlace } from '../../src/run/row-errors/row-place.ts';

const COLUMNS = ['c', 'a c', 'Spalte', 'x: "y', 'n1'];

/** The place in the context `where` of an error in a COPY into `table`. */
function placeIn(where: string, table = '"public"."t2024"', code = '22P02') {
  const columns = COLUMNS.map((target) => ({ target }) as Column);
  const copy = `COPY ${table} ("c") FROM STDIN (FORMAT text)`;
  return rowPlace({ copy, columns }, Object.assign(new Error('invalid'), { code, where }));
}

// The catalogs of PostgreSQL 15 have these, one for each way of putting it.
test.each([
  ['COPY t2024, line 5, column c: "x, column n1: 7"'],
  ['COPY t2024, line 5, column c: null input'],
  ['COPY t2024, line 5, column c'],
  ['COPY t2024, Zeile 5, Spalte c: »x«'],
  ['COPY t2024, Zeile 5, Spalte c: NULL Eingabe'],
  ['COPY t2024, Zeile 5, Spalte c'],
  ['COPY t2024, ligne 5, colonne c : « x »'],
  ['t2024のCOPY、行 5、列 c: "x"'],
  ['t2024 복사, 5번째 줄, c 열: "x"'],
  ['t2024 복사, 5번째 줄, c 열'],
  ['COPY t2024, 第 5 行, 列 c: "x"'],
  ['COPY t2024, строка 5, столбец c: "x"'],
  ['PL/pgSQL-Funktion f() Zeile 3 bei RAISE\nCOPY t2024, Zeile 5, Spalte c: »x«'],
])('the line and the column are found in %p', (where) => {
  expect(placeIn(where)).toEqual({ line: 5, column: 'c' });
});

test.each([
  ['COPY t2024, line 5: "c: 7"', undefined],
  ['COPY t2024, Zeile 5: »x Spalte c: 7«', undefined],
  ['COPY t2024, line 5', undefined],
  ['COPY t2024, line 5, column a c: "x"', 'a c'],
  ['COPY t2024, Zeile 5, Spalte Spalte: »x«', 'Spalte'],
  ['COPY t2024, line 5, column x: "y: "7"', 'x: "y'],
  ['COPY t2024, line 5, column n1: "7"', 'n1'],
])('in %p the column is %p', (where, column) => {
  expect(placeIn(where)).toEqual({ line: 5, column });
});

test.each([
  ['pg_temp.batch', 'COPY batch, line 7'],
  ['"s"."a ""b"" (c)"', 'COPY a "b" (c), line 7'],
  ['"s 1"."t.2"', 'COPY t.2, line 7'],
])('the line is found after the name of %p', (table, where) => {
  expect(placeIn(where, table)?.line).toBe(7);
});

test('what is no fault of the row has no place', () => {
  expect(placeIn('COPY t2024, line 5', undefined, '53100')).toBeUndefined();
  expect(placeIn('COPY t20245, line 5')).toBeUndefined();
  expect(placeIn('')).toBeUndefined();
});
