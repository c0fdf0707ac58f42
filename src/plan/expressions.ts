import { quoteBigQueryPath } from '../google/bigquery-quoting.ts';

/**
 * Turns a GoogleSQL expression into another one. `column` is the BigQuery column that it comes
 * from, for the errors of the job.
 */
export type Convert = (x: string, column: string) => string;

/** The column itself. */
export function columnExpression(name: string): string {
  return quoteBigQueryPath(name);
}

/** The value as it is. */
export const same: Convert = (x) => x;

/** GoogleSQL's canonical text of a value: `2024-01-31 10:00:00.123456`, `1-2 3 4:5:6.789`. */
export const asString: Convert = (x) => `CAST(${x} AS STRING)`;
/** The nearest double. */
export const asFloat64: Convert = (x) => `CAST(${x} AS FLOAT64)`;

/** `first` by BigQuery, then `second` of what came out. */
export const chain =
  (first: Convert, second: Convert): Convert =>
  (x, column) =>
    second(first(x, column), column);

/** TO_JSON_STRING writes SQL NULL as the text `null` (GoogleSQL, JSON functions), so NULL is kept apart. */
export const asJson: Convert = (x) => `IF(${x} IS NULL, NULL, TO_JSON_STRING(${x}))`;

/** Microseconds from 1970-01-01 to 2000-01-01, where Postgres's binary timestamps begin. */
const EPOCH_MICROSECONDS = 946_684_800_000_000;
const EPOCH_DAYS = 10_957;

/** A DATE as days: Postgres's binary form. */
export const daysSince2000: Convert = (x) => `UNIX_DATE(${x}) - ${EPOCH_DAYS}`;
/** A TIMESTAMP as microseconds since 2000-01-01: Postgres's binary form. */
export const timestampMicros: Convert = (x) => `UNIX_MICROS(${x}) - ${EPOCH_MICROSECONDS}`;
/** A TIME as microseconds since midnight. */
export const timeMicros: Convert = (x) => `TIME_DIFF(${x}, TIME '00:00:00', MICROSECOND)`;

/** A DATE or DATETIME as the instant in UTC, whatever time zone the project has as its default. */
const asUtc: Convert = (x) => `TIMESTAMP(${x}, 'UTC')`;
/** A DATE or DATETIME as microseconds since 2000-01-01, read in UTC. */
export const civilMicros: Convert = chain(asUtc, timestampMicros);

/** A TIMESTAMP as a DATETIME in UTC; UNIX_MICROS drops what is finer than a microsecond. */
export const utcDatetime: Convert = (x) => `DATETIME(TIMESTAMP_MICROS(UNIX_MICROS(${x})), 'UTC')`;

/** A TIMESTAMP as text with the offset of UTC: by CAST the project's default time zone would decide. */
export const utcText: Convert = (x) => `STRING(${x}, 'UTC')`;

/** Text for timestamptz, cut to microseconds, which PostgreSQL would round. */
export const instantText: Convert = (x) => `STRING(TIMESTAMP_MICROS(UNIX_MICROS(${x})), 'UTC')`;
/** A DATE or DATETIME as text with the offset of UTC, for timestamptz. */
export const civilInstantText: Convert = (x) => `CONCAT(CAST(DATETIME(${x}) AS STRING), '+00')`;

/** A GEOGRAPHY as well-known text. */
export const wktText: Convert = (x) => `ST_ASTEXT(${x})`;

/** With the reference system of GEOGRAPHY: PostGIS then refuses a column that has another one. */
export const ewktText: Convert = (x) => `CONCAT('SRID=4326;', ST_ASTEXT(${x}))`;

/** Postgres's range syntax, each bound by `text`; an absent one is unbounded on both sides. */
export const rangeText =
  (text: Convert): Convert =>
  (x, column) => {
    const bound = (side: string) => `IFNULL(${text(`RANGE_${side}(${x})`, column)}, '')`;
    return `IF(${x} IS NULL, NULL, CONCAT('[', ${bound('START')}, ',', ${bound('END')}, ')'))`;
  };

/** `convert` applied to every element of an array, in its order. */
export function eachElement(x: string, convert: Convert, column: string): string {
  if (convert === same) return x;
  const element = unlike(x, 'element');
  const position = unlike(x, 'position');
  return `ARRAY(SELECT ${convert(element, column)} FROM UNNEST(${x}) AS ${element} WITH OFFSET AS ${position} ORDER BY ${position})`;
}

/** An alias that cannot be taken for the column in `x`, nor the column for it. */
function unlike(x: string, alias: string): string {
  return x.toLowerCase().includes(alias) ? unlike(x, `${alias}_`) : alias;
}
