import { ENCODINGS, type Encoding } from '../../copy/encodings.ts';
import type { ArrayFault } from '../../copy/row-error.ts';
import { quoteBigQueryString } from '../../google/bigquery-quoting.ts';
import { sourceFrom } from '../../google/source.ts';
import type { Column } from '../../plan/export-column.ts';
import type { Plan } from '../../plan/plan.ts';
import { rowFilter } from '../../plan/watermark-window.ts';
import type { Row } from './find-row.ts';

/** A value; for arrays, some of the elements, or what is wrong with all of it. */
export type Value = string | readonly string[] | ArrayFault | undefined;

/**
 * The query that finds rows in BigQuery by the condition `found`. With the window too, where the
 * table takes no query without a filter on its partitions.
 */
export function rowQuery({ source, low }: Plan, found: string): string {
  const filter = source.filterColumn === undefined ? undefined : rowFilter(source, low);
  const where = filter === undefined ? found : `${found} AND (${filter})`;
  return `SELECT * FROM ${sourceFrom(source)} WHERE ${where};`;
}

/** The encodings of values that can be too long for an index. */
const LONG_ENCODINGS: ReadonlySet<Encoding> = new Set<Encoding>(['text', 'jsonb', 'bytea']);

/** The query for the rows with the longest values, whose bytes an index may have no room for. */
export function longestValuesQuery({ source, low, columns }: Plan): string {
  const lengths = columns
    .filter(({ emit, array, encoding }) => emit && !array && LONG_ENCODINGS.has(encoding))
    .map(({ expression }) => `IFNULL(BYTE_LENGTH(${expression}), 0)`);
  const filter = rowFilter(source, low);
  const where = filter === undefined ? '' : ` WHERE ${filter}`;
  return `SELECT * FROM ${sourceFrom(source)}${where} ORDER BY GREATEST(${[0, ...lengths].join(', ')}) DESC LIMIT 10;`;
}

/**
 * The query that finds keys which BigQuery tells apart and the target does not. By their places in the
 * list: GoogleSQL does not take the subquery of an array in SELECT for the same in GROUP BY.
 */
export function equalKeysQuery({ source, key, low }: Pick<Plan, 'source' | 'key' | 'low'>): string {
  const equal = key?.equalInTarget ?? [];
  const places = equal.map((_, at) => at + 1).join(', ');
  const filter = rowFilter(source, low);
  const where = filter === undefined ? '' : ` WHERE ${filter}`;
  return `SELECT ${equal.join(', ')}, COUNT(*) FROM ${sourceFrom(source)}${where} GROUP BY ${places} HAVING COUNT(*) > 1`;
}

/** Columns that are enough to find a row again. */
const TELLING_COLUMNS = 4;

/** The condition that finds `row`: the first columns with short values, the watermark among them. */
export function tellingConditions(plan: Plan, row: Row | undefined): string {
  const telling = plan.columns.flatMap((column, i) => {
    const value = row?.[i];
    // The count of rows left out is the export's own: the source has no such column.
    return value === undefined || column.array || column.leftOut || value.length > SHOWN_CHARACTERS
      ? []
      : [{ column, value }];
  });
  const conditions = telling
    .sort((a, b) => Number(b.column.watermark) - Number(a.column.watermark))
    .slice(0, TELLING_COLUMNS)
    .map(({ column, value }) => condition(column, value, false));
  return conditions.join(' AND ') || 'TRUE';
}

/** The export's own expression, compared with the value that it had. */
export function condition(column: Column, value: Value, isNull: boolean): string {
  const x = column.expression;
  // An array without elements is a NULL vector.
  if (isNull && column.vector !== undefined) return `IFNULL(ARRAY_LENGTH(${x}), 0) = 0`;
  if (isNull) return `${x} IS NULL`;
  if (value === undefined) return `${x} IS NOT NULL`;
  if (typeof value === 'string') return equals(column.encoding, x, value);
  if ('elements' in value) return isAtFault(x, value);
  const [element] = value;
  if (element === undefined) return `ARRAY_LENGTH(${x}) = 0`;
  // One of the elements is to blame; whichever it is, such an array has this one too.
  return hasElement(x, equals(column.encoding, 'e', element));
}

function hasElement(x: string, found: string): string {
  return `EXISTS (SELECT 1 FROM UNNEST(${x}) AS e WHERE ${found})`;
}

function isAtFault(x: string, { elements }: ArrayFault): string {
  return elements === 'NULL' ? hasElement(x, 'e IS NULL') : `ARRAY_LENGTH(${x}) = ${elements}`;
}

function equals(kind: Encoding, x: string, value: string): string {
  switch (ENCODINGS[kind].avro) {
    case 'string':
      return startsWith(x, value);
    case 'bytes':
      return startsWith(`TO_HEX(${x})`, value.replace(/^\\x/, ''));
    case 'boolean':
      return `${x} = ${value === 't'}`;
    case 'double':
      return equalsDouble(x, value);
    default:
      return `${x} = ${value}`;
  }
}

function startsWith(x: string, value: string): string {
  const start = cut(value);
  const literal = quoteBigQueryString(start).replace(
    CONTROL_CHARACTERS,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return start === value ? `${x} = ${literal}` : `STARTS_WITH(${x}, ${literal})`;
}

/** What cannot be pasted into a query as it is. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about
const CONTROL_CHARACTERS = /[\0-\x1f\x7f]/g;

/** A whole number beyond 64 bits is no integer literal: each gets a point, or has an exponent. */
function equalsDouble(x: string, value: string): string {
  if (value === 'NaN') return `IS_NAN(${x})`;
  if (value.endsWith('Infinity'))
    return `IS_INF(${x}) AND SIGN(${x}) = ${value.startsWith('-') ? -1 : 1}`;
  return `${x} = ${/[.e]/.test(value) ? value : `${value}.0`}`;
}

/** Characters of a value that messages show, and that a query compares. */
const SHOWN_CHARACTERS = 100;

/** The beginning of a text, in whole characters. */
export function cut(text: string): string {
  return [...text.slice(0, 2 * SHOWN_CHARACTERS)].slice(0, SHOWN_CHARACTERS).join('');
}
