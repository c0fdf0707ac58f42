import { quoteBigQueryPath } from '../google/bigquery-quoting.ts';
import type { SourceColumn, SourceType } from '../google/source-columns.ts';
import type { TargetType } from '../postgres/target-table.ts';
import { isVectorType, type VectorType } from '../postgres/vector-types.ts';
import type { ColumnMapping } from './column-mapping.ts';
import { eachElement } from './expressions.ts';

/** The types that are no operand of GROUP BY and PARTITION BY (GoogleSQL, "Groupable data types"). */
const BY_JSON: ReadonlySet<SourceType> = new Set<SourceType>(['JSON', 'STRUCT']);

/** The column, or a text that is equal where its values are, for GROUP BY and PARTITION BY. */
export function groupable(source: SourceColumn): string {
  const name = quoteBigQueryPath(source.name);
  if (source.repeated || BY_JSON.has(source.type)) return `TO_JSON_STRING(${name})`;
  if (source.type === 'GEOGRAPHY') return `ST_ASTEXT(${name})`;
  return source.type === 'FLOAT64' ? `CAST(${name} AS STRING)` : name;
}

/** How a type of the target makes different values of these types of BigQuery equal. */
interface Folding {
  readonly of: ReadonlySet<SourceType>;
  readonly fold: (x: string, target: TargetType) => string;
}

const TEXTS = new Set<SourceType>(['STRING', 'JSON', 'STRUCT']);
const NUMBERS = new Set<SourceType>(['INT64', 'FLOAT64', 'NUMERIC', 'BIGNUMERIC', 'STRING']);
const TIMES = new Set<SourceType>(['TIMESTAMP', 'DATETIME', 'STRING']);
const STRINGS = new Set<SourceType>(['STRING']);

const asInt64 = (x: string) => `SAFE_CAST(${x} AS INT64)`;

/** To the digits that numeric(p, s) declares; by NUMERIC where that has as many: 29 and 9. */
function asNumeric(x: string, { text }: TargetType): string {
  const [, precision, scale] = /^numeric\((\d+),(\d+)\)/.exec(text) ?? [];
  if (scale === undefined) return `SAFE_CAST(${x} AS BIGNUMERIC)`;
  const fits = Number(scale) <= 9 && Number(precision) - Number(scale) <= 29;
  return `ROUND(SAFE_CAST(${x} AS ${fits ? 'NUMERIC' : 'BIGNUMERIC'}), ${scale})`;
}

/** To the digits of a second that the type declares; cut, where PostgreSQL rounds. */
const asText =
  (type: 'TIME' | 'TIMESTAMP') =>
  (x: string, { length = 6 }: TargetType): string => {
    const format = `${type === 'TIME' ? '' : '%F '}%H:%M:%E${length}S`;
    return `FORMAT_${type}('${format}', SAFE_CAST(${x} AS ${type}))`;
  };

/** By pg_type.typname: the key's spelling, precision or padding that the type does not keep. */
const FOLDINGS: Readonly<Record<string, Folding>> = {
  citext: { of: TEXTS, fold: (x) => `LOWER(${x})` },
  bpchar: { of: TEXTS, fold: (x) => `RTRIM(${x}, ' ')` },
  uuid: { of: STRINGS, fold: (x) => `LOWER(REGEXP_REPLACE(${x}, '[{}-]', ''))` },
  bool: { of: STRINGS, fold: (x) => `SAFE_CAST(${x} AS BOOL)` },
  date: { of: STRINGS, fold: (x) => `SAFE_CAST(${x} AS DATE)` },
  time: { of: new Set<SourceType>(['TIME', 'STRING']), fold: asText('TIME') },
  timestamp: { of: TIMES, fold: asText('TIMESTAMP') },
  timestamptz: { of: TIMES, fold: asText('TIMESTAMP') },
  numeric: { of: NUMBERS, fold: asNumeric },
  money: { of: NUMBERS, fold: asNumeric },
  int2: { of: NUMBERS, fold: asInt64 },
  int4: { of: NUMBERS, fold: asInt64 },
  int8: { of: NUMBERS, fold: asInt64 },
  float8: { of: NUMBERS, fold: (x) => `CAST(SAFE_CAST(${x} AS FLOAT64) AS STRING)` },
  // Six digits, where single precision has seven and a bit: neighbours of equal keys may come along.
  float4: { of: NUMBERS, fold: (x) => `FORMAT('%.5e', SAFE_CAST(${x} AS FLOAT64))` },
};

/** To fewer digits than the type has, as for float4. */
function roundedVector(name: string, type: VectorType): string {
  const format = type === 'halfvec' ? '%.2e' : '%.5e';
  const round = (x: string) => `FORMAT('${format}', CAST(${x} AS FLOAT64))`;
  return `TO_JSON_STRING(${eachElement(name, round, name)})`;
}

/**
 * What is equal for keys that the target's type makes equal: as the type rounds, folds or pads. Close
 * enough for a query that finds the rows, and only for that.
 */
export function equalInTarget({ source, target }: ColumnMapping): string {
  const { name: type, array } = target.type;
  const name = quoteBigQueryPath(source.name);
  if (source.repeated && !array && isVectorType(type)) return roundedVector(name, type);
  const folding = source.repeated ? undefined : FOLDINGS[type];
  if (!folding?.of.has(source.type)) return groupable(source);
  return folding.fold(TEXTS.has(source.type) ? groupable(source) : name, target.type);
}
