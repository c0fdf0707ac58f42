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

/**
 * `[1,0,2]`, as pgvector writes dense vectors, as the text of a sparse one, `{1:1,2:0,3:2}/3`; any other
 * text as it is.
 */
export const sparseText: Convert = (x) => {
  const [element, position] = [unlike(x, 'element'), unlike(x, 'position')];
  const list = `SPLIT(REGEXP_EXTRACT(${x}, r'(?s)\\[(.*)\\]'), ',')`;
  const placed = `ARRAY(SELECT CONCAT(CAST(${position} + 1 AS STRING), ':', ${element}) FROM UNNEST(${list}) AS ${element} WITH OFFSET AS ${position} ORDER BY ${position})`;
  const sparse = `CONCAT('{', ARRAY_TO_STRING(${placed}, ','), '}/', CAST(ARRAY_LENGTH(${list}) AS STRING))`;
  return `IF(REGEXP_CONTAINS(${x}, r'(?s)^\\s*\\[.*\\]\\s*$'), ${sparse}, ${x})`;
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
