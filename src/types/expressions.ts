import { quoteBigQueryPath } from '../identifiers.ts';

/** Turns a GoogleSQL expression into another one. */
export type Convert = (x: string) => string;

/** The column itself. */
export function columnExpression(name: string): string {
  return quoteBigQueryPath(name);
}

export const same: Convert = (x) => x;

/** GoogleSQL's canonical text of a value: `2024-01-31 10:00:00.123456+00`, `1-2 3 4:5:6.789`. */
export const asString: Convert = (x) => `CAST(${x} AS STRING)`;
export const asInt64: Convert = (x) => `CAST(${x} AS INT64)`;
export const asFloat64: Convert = (x) => `CAST(${x} AS FLOAT64)`;
export const asBool: Convert = (x) => `CAST(${x} AS BOOL)`;

/** TO_JSON_STRING writes SQL NULL as the text `null` (GoogleSQL, JSON functions), so NULL is kept apart. */
export const asJson: Convert = (x) => `IF(${x} IS NULL, NULL, TO_JSON_STRING(${x}))`;

/** Microseconds from 1970-01-01 to 2000-01-01, where Postgres's binary timestamps begin. */
const EPOCH_MICROSECONDS = 946_684_800_000_000;
const EPOCH_DAYS = 10_957;

export const daysSince2000: Convert = (x) => `UNIX_DATE(${x}) - ${EPOCH_DAYS}`;
export const timestampMicros: Convert = (x) => `UNIX_MICROS(${x}) - ${EPOCH_MICROSECONDS}`;
/** A DATE or DATETIME is taken as UTC. */
export const civilMicros: Convert = (x) => timestampMicros(`TIMESTAMP(${x})`);
export const timeMicros: Convert = (x) => `TIME_DIFF(${x}, TIME '00:00:00', MICROSECOND)`;

export const wktText: Convert = (x) => `ST_ASTEXT(${x})`;

/** Postgres's range syntax; an absent bound is unbounded on both sides. */
export const rangeText: Convert = (x) =>
  `IF(${x} IS NULL, NULL, CONCAT('[', IFNULL(CAST(RANGE_START(${x}) AS STRING), ''), ',', IFNULL(CAST(RANGE_END(${x}) AS STRING), ''), ')'))`;

/** `convert` applied to every element of an array, in its order. */
export function eachElement(x: string, convert: Convert): string {
  if (convert === same) return x;
  return `ARRAY(SELECT ${convert('e')} FROM UNNEST(${x}) AS e WITH OFFSET AS o ORDER BY o)`;
}
