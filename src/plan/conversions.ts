import type { Encoding } from '../copy/encodings.ts';
import type { SourceType } from '../google/source-columns.ts';
import {
  asFloat64,
  asJson,
  asString,
  type Convert,
  chain,
  ewktText,
  rangeText,
  same,
  sparseText,
  wktText,
} from './expressions.ts';
import { parsed } from './parsed-string.ts';
import {
  civilInstantText,
  civilMicros,
  daysSince2000,
  instantText,
  timeMicros,
  timestampMicros,
  utcDatetime,
  utcText,
} from './timestamps.ts';

/**
 * How values of one BigQuery type reach one PostgreSQL type.
 * `binary`: BigQuery computes `expression`, the encoder writes it as `kind` in COPY BINARY.
 * `text`: there is no binary form here; BigQuery computes text in the type's input syntax, and the
 * whole table travels as COPY text.
 */
export interface Conversion {
  readonly format: 'binary' | 'text';
  readonly encoding: Encoding;
  readonly expression: Convert;
  /** Used when another column makes the table travel as text; left out where `expression` serves. */
  readonly textExpression?: Convert;
  /** What the target's own type does to some values: told once, when the run is planned. */
  readonly loss?: string;
}

const binary = (encoding: Encoding, expression: Convert, textExpression?: Convert): Conversion => ({
  format: 'binary',
  encoding,
  expression,
  ...(textExpression && { textExpression }),
});
const lossy = (conversion: Conversion, loss: string): Conversion => ({ ...conversion, loss });
const text = (expression: Convert): Conversion => ({
  format: 'text',
  encoding: 'text',
  expression,
});

const HALF = 'rounded to half precision';
const SINGLE = 'rounded to single precision';
const DOUBLE = 'rounded to double precision';

type Targets = Readonly<Record<string, Conversion>>;

function each(names: readonly string[], conversion: Conversion): Targets {
  return Object.fromEntries(names.map((name) => [name, conversion]));
}

/** The types that hold any text, by pg_type.typname; `bpchar` is char(n). */
function texts(expression: Convert, encoding: Encoding = 'text'): Targets {
  const held = binary(encoding, expression);
  return {
    text: held,
    varchar: held,
    bpchar: held,
    citext: held,
    name: binary(encoding === 'text' ? 'name' : encoding, expression),
  };
}

const json = (expression: Convert): Targets => ({
  json: binary('text', expression),
  jsonb: binary('jsonb', expression),
  ...texts(expression),
});

const decimal: Targets = {
  numeric: binary('numeric', asString),
  float8: lossy(binary('float8', asFloat64), DOUBLE),
  float4: lossy(binary('float4', asFloat64), SINGLE),
  money: binary('money', asString),
  ...each(['int2', 'int4', 'int8'], text(asString)),
  ...texts(asString),
};

const range = (name: string, bound: Convert): Targets => ({
  [name]: text(rangeText(bound)),
  ...texts(rangeText(bound)),
});

/** Types whose input syntax is left to the user: the STRING goes to them as it is. */
const READ_BY_POSTGRES = [
  ...['interval', 'inet', 'cidr', 'macaddr', 'macaddr8', 'bit', 'varbit'],
  // Binary xml would be read in the encoding that its declaration names; text is taken as UTF-8.
  ...['xml', 'hstore', 'tsvector', 'ltree', 'geometry', 'geography'],
  ...['point', 'line', 'lseg', 'box', 'path', 'polygon', 'circle'],
  ...['daterange', 'tsrange', 'tstzrange', 'int4range', 'int8range', 'numrange', 'composite'],
  ...['vector', 'halfvec'],
];

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
    money: binary('money', asString),
    ...texts(asString),
  },
  FLOAT64: {
    float8: binary('float8', same),
    float4: lossy(binary('float4', same), SINGLE),
    numeric: binary('doubleAsNumeric', same),
    int8: binary('doubleAsInt8', same),
    int4: binary('doubleAsInt4', same),
    int2: binary('doubleAsInt2', same),
    ...texts(same, 'doubleAsText'),
  },
  BOOL: {
    bool: binary('bool', same),
    ...texts(asString),
  },
  STRING: {
    ...texts(same),
    json: binary('text', same),
    enum: binary('text', same),
    jsonb: binary('jsonb', same),
    uuid: binary('uuid', same),
    int8: binary('int8', parsed('INT64')),
    int4: binary('int4', parsed('INT64')),
    int2: binary('int2', parsed('INT64')),
    float8: lossy(binary('float8', parsed('FLOAT64')), DOUBLE),
    float4: lossy(binary('float4', parsed('FLOAT64')), SINGLE),
    numeric: binary('numeric', same),
    money: binary('money', same),
    bool: binary('bool', parsed('BOOL')),
    date: binary('int4', chain(parsed('DATE'), daysSince2000), chain(parsed('DATE'), asString)),
    time: binary('int8', chain(parsed('TIME'), timeMicros), chain(parsed('TIME'), asString)),
    timestamp: binary(
      'int8',
      chain(parsed('DATETIME'), civilMicros),
      chain(parsed('DATETIME'), asString),
    ),
    timestamptz: binary(
      'int8',
      chain(parsed('TIMESTAMP'), timestampMicros),
      chain(parsed('TIMESTAMP'), instantText),
    ),
    ...each(READ_BY_POSTGRES, text(same)),
    sparsevec: text(sparseText),
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
    timestamptz: binary('int8', civilMicros, civilInstantText),
    ...texts(asString),
  },
  TIME: {
    time: binary('int8', timeMicros, asString),
    timetz: text((x, column) => `CONCAT(${asString(x, column)}, '+00')`),
    interval: binary('interval', (x, column) => `CONCAT('0-0 0 ', ${asString(x, column)})`),
    ...texts(asString),
  },
  DATETIME: {
    timestamp: binary('int8', civilMicros, asString),
    timestamptz: binary('int8', civilMicros, civilInstantText),
    ...texts(asString),
  },
  TIMESTAMP: {
    timestamptz: binary('int8', timestampMicros, instantText),
    timestamp: binary('int8', timestampMicros, chain(utcDatetime, asString)),
    ...texts(utcText),
  },
  JSON: json(asJson),
  STRUCT: json(asJson),
  GEOGRAPHY: {
    geometry: text(ewktText),
    geography: text(wktText),
    ...texts(wktText),
  },
  INTERVAL: {
    interval: binary('interval', asString),
    ...texts(asString),
  },
  'RANGE<DATE>': range('daterange', asString),
  'RANGE<DATETIME>': range('tsrange', asString),
  'RANGE<TIMESTAMP>': range('tstzrange', utcText),
};

/** Of the elements. */
const vectors = (encoding: Encoding, expression: Convert): Targets => ({
  vector: lossy(binary(encoding, expression), SINGLE),
  halfvec: lossy(binary(encoding, expression), HALF),
  sparsevec: lossy(binary(encoding, expression), SINGLE),
});

/** ARRAYs whose elements become those of one vector. */
export const ARRAY_AS_VECTOR: Readonly<Partial<Record<SourceType, Targets>>> = {
  INT64: vectors('int8', same),
  FLOAT64: vectors('float8', same),
  NUMERIC: vectors('float8', asFloat64),
  BIGNUMERIC: vectors('float8', asFloat64),
};

/** Other ARRAYs that do not go into a Postgres array go as JSON. */
export const ARRAY_AS_JSON: Targets = json(asJson);
