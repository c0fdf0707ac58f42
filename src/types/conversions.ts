import type { Kind } from '../copy/kinds.ts';
import {
  asBool,
  asFloat64,
  asInt64,
  asJson,
  asString,
  type Convert,
  civilMicros,
  daysSince2000,
  rangeText,
  same,
  timeMicros,
  timestampMicros,
  wktText,
} from './expressions.ts';
import type { SourceType } from './source.ts';

/**
 * How values of one BigQuery type reach one PostgreSQL type.
 * `binary`: BigQuery computes `expression`, the encoder writes it as `kind` in COPY BINARY.
 * `text`: there is no binary form here; BigQuery computes text in the type's input syntax, and the
 * whole table travels as COPY text.
 */
export interface Conversion {
  readonly format: 'binary' | 'text';
  readonly kind: Kind;
  readonly expression: Convert;
  /** Used when another column makes the table travel as text; left out where `expression` serves. */
  readonly textExpression?: Convert;
  /** What the target's own type does to some values: told once, when the run is planned. */
  readonly loss?: string;
}

const binary = (kind: Kind, expression: Convert, textExpression?: Convert): Conversion => ({
  format: 'binary',
  kind,
  expression,
  ...(textExpression && { textExpression }),
});
const lossy = (conversion: Conversion, loss: string): Conversion => ({ ...conversion, loss });
const text = (expression: Convert): Conversion => ({ format: 'text', kind: 'text', expression });

const SINGLE = 'rounded to single precision';
const DOUBLE = 'rounded to double precision';

/** pg_type.typname of the types that hold any text; the last two cut or pad by themselves only as declared. */
const TEXTS = ['text', 'varchar', 'bpchar', 'citext', 'name'] as const;
const JSONS = ['json', 'jsonb'] as const;

type Targets = Readonly<Record<string, Conversion>>;

function each(names: readonly string[], conversion: Conversion): Targets {
  return Object.fromEntries(names.map((name) => [name, conversion]));
}

const json = (expression: Convert): Targets => ({
  json: binary('text', expression),
  jsonb: binary('jsonb', expression),
  ...each(TEXTS, binary('text', expression)),
});

const decimal: Targets = {
  numeric: binary('numeric', asString),
  float8: lossy(binary('float8', asFloat64), DOUBLE),
  float4: lossy(binary('float4', asFloat64), SINGLE),
  ...each(['int2', 'int4', 'int8', 'money'], text(asString)),
  ...each(TEXTS, binary('text', asString)),
};

const range = (name: string): Targets => ({
  [name]: text(rangeText),
  ...each(TEXTS, binary('text', rangeText)),
});

/**
 * The one table of what goes into what, by BigQuery type and pg_type.typname; what is not in it is
 * refused. Domains count as their base type, arrays go by their elements, and enums are under `enum`.
 */
export const CONVERSIONS: Readonly<Record<SourceType, Targets>> = {
  INT64: {
    int8: binary('int8', same),
    int4: binary('int4', same),
    int2: binary('int2', same),
    float8: binary('longAsFloat8', same),
    float4: binary('longAsFloat4', same),
    numeric: binary('numeric', asString),
    money: text(asString),
    ...each(TEXTS, binary('text', asString)),
  },
  FLOAT64: {
    float8: binary('float8', same),
    float4: lossy(binary('float4', same), SINGLE),
    numeric: binary('doubleAsNumeric', same),
    int8: binary('doubleAsInt8', same),
    int4: binary('doubleAsInt4', same),
    int2: binary('doubleAsInt2', same),
    ...each(TEXTS, binary('doubleAsText', same)),
  },
  BOOL: {
    bool: binary('bool', same),
    ...each(TEXTS, binary('text', asString)),
  },
  STRING: {
    ...each([...TEXTS, 'json', 'xml', 'enum'], binary('text', same)),
    jsonb: binary('jsonb', same),
    uuid: binary('uuid', same),
    int8: binary('int8', asInt64),
    int4: binary('int4', asInt64),
    int2: binary('int2', asInt64),
    float8: binary('float8', asFloat64),
    float4: lossy(binary('float4', asFloat64), SINGLE),
    numeric: binary('numeric', same),
    bool: binary('bool', asBool),
    date: binary(
      'int4',
      (x) => daysSince2000(`CAST(${x} AS DATE)`),
      (x) => asString(`CAST(${x} AS DATE)`),
    ),
    time: binary(
      'int8',
      (x) => timeMicros(`CAST(${x} AS TIME)`),
      (x) => asString(`CAST(${x} AS TIME)`),
    ),
    timestamp: binary(
      'int8',
      (x) => civilMicros(`CAST(${x} AS DATETIME)`),
      (x) => asString(`CAST(${x} AS DATETIME)`),
    ),
    timestamptz: binary(
      'int8',
      (x) => timestampMicros(`CAST(${x} AS TIMESTAMP)`),
      (x) => asString(`CAST(${x} AS TIMESTAMP)`),
    ),
    ...each(
      [
        'interval',
        'money',
        'inet',
        'cidr',
        'macaddr',
        'macaddr8',
        'hstore',
        'tsvector',
        'bit',
        'varbit',
        'ltree',
      ],
      text(same),
    ),
    ...each(
      ['geometry', 'geography', 'point', 'line', 'lseg', 'box', 'path', 'polygon', 'circle'],
      text(same),
    ),
    ...each(
      ['daterange', 'tsrange', 'tstzrange', 'int4range', 'int8range', 'numrange', 'composite'],
      text(same),
    ),
  },
  BYTES: {
    bytea: binary('bytea', same),
    uuid: binary('bytesAsUuid', same),
  },
  NUMERIC: decimal,
  BIGNUMERIC: decimal,
  DATE: {
    date: binary('int4', daysSince2000, asString),
    timestamp: binary('int8', civilMicros, asString),
    timestamptz: binary('int8', civilMicros, (x) => asString(`TIMESTAMP(${x})`)),
    ...each(TEXTS, binary('text', asString)),
  },
  TIME: {
    time: binary('int8', timeMicros, asString),
    timetz: text((x) => `CONCAT(${asString(x)}, '+00')`),
    interval: text(asString),
    ...each(TEXTS, binary('text', asString)),
  },
  DATETIME: {
    timestamp: binary('int8', civilMicros, asString),
    timestamptz: binary('int8', civilMicros, (x) => asString(`TIMESTAMP(${x})`)),
    ...each(TEXTS, binary('text', asString)),
  },
  TIMESTAMP: {
    timestamptz: binary('int8', timestampMicros, asString),
    timestamp: binary('int8', timestampMicros, (x) => asString(`DATETIME(${x}, 'UTC')`)),
    ...each(TEXTS, binary('text', asString)),
  },
  JSON: json(asJson),
  STRUCT: json(asJson),
  GEOGRAPHY: {
    ...each(['geometry', 'geography'], text(wktText)),
    ...each(TEXTS, binary('text', wktText)),
  },
  INTERVAL: {
    interval: text(asString),
    ...each(TEXTS, binary('text', asString)),
  },
  'RANGE<DATE>': range('daterange'),
  'RANGE<DATETIME>': range('tsrange'),
  'RANGE<TIMESTAMP>': range('tstzrange'),
};

/** Every target of the table, for the README and the tests. */
export const TARGET_NAMES: readonly string[] = [
  ...new Set(Object.values(CONVERSIONS).flatMap((targets) => Object.keys(targets))),
];

/** ARRAYs that do not go into a Postgres array go as JSON. */
export const ARRAY_AS_JSON: Targets = {
  json: binary('text', asJson),
  jsonb: binary('jsonb', asJson),
  ...each(TEXTS, binary('text', asJson)),
};

export const isJson = (name: string): boolean => (JSONS as readonly string[]).includes(name);
