import { quoteBigQueryString } from '../google/bigquery-quoting.ts';
import { type Convert, columnExpression } from './expressions.ts';

/** What a STRING can be read as by BigQuery. */
export type ParsedType = 'INT64' | 'FLOAT64' | 'BOOL' | 'DATE' | 'TIME' | 'DATETIME' | 'TIMESTAMP';

/**
 * A STRING as another type, as BigQuery's CAST reads it. A text that is none, or that PostgreSQL reads
 * as another value, fails the job with the column, the value and the condition that finds it.
 * (IF and IFNULL evaluate lazily: GoogleSQL, conditional expressions.)
 */
export const parsed =
  (type: ParsedType): Convert =>
  (x, column) => {
    const value = (READ[type] ?? safeCast(type))(x);
    const name = columnExpression(column);
    const before = quoteBigQueryString(`column ${name}: "`);
    const find = x === name ? `; find it with WHERE ${name} IS NOT NULL AND ${value} IS NULL` : '';
    const after = quoteBigQueryString(`" is not ${type}${find}`);
    return `IF(${x} IS NULL, NULL, IFNULL(${value}, ERROR(CONCAT(${before}, SUBSTR(${x}, 1, 100), ${after}))))`;
  };

type Read = (x: string) => string;

const safeCast =
  (type: string): Read =>
  (x) =>
    `SAFE_CAST(${x} AS ${type})`;

/** Readings that are NULL for more texts than SAFE_CAST, or that do not depend on the project. */
const READ: Readonly<Partial<Record<ParsedType, Read>>> = {
  // A number too large becomes an infinity, one too small zero: PostgreSQL refuses both.
  FLOAT64: (x) => {
    const value = safeCast('FLOAT64')(x);
    const overflows = `IS_INF(${value}) AND NOT REGEXP_CONTAINS(${x}, '(?i)inf')`;
    const underflows = `${value} = 0 AND REGEXP_CONTAINS(${x}, '^[^eE]*[1-9]')`;
    return `IF(${overflows} OR ${underflows}, NULL, ${value})`;
  },
  // These drop the fraction of a leap second, and one at midnight wraps to the day's beginning.
  TIME: (x) => unless(x, '^23:59:60|:60[.]', safeCast('TIME')(x)),
  DATETIME: (x) => unless(x, ':60[.]', safeCast('DATETIME')(x)),
  // UTC where the text has no zone; where it has one, TIMESTAMP with a zone of its own refuses it.
  // +123 is 12:03 to BigQuery and 1:23 to PostgreSQL, UTC+3 east to one and west to the other.
  TIMESTAMP: (x) =>
    unless(
      x,
      'UTC[+-]|[+-][0-9]{3}$',
      `IFNULL(SAFE.TIMESTAMP(${x}, 'UTC'), ${safeCast('TIMESTAMP')(x)})`,
    ),
};

function unless(x: string, pattern: string, value: string): string {
  return `IF(REGEXP_CONTAINS(${x}, '${pattern}'), NULL, ${value})`;
}
