import type { SourceType } from '../../src/google/source-columns.ts';
import { VECTOR_TYPES } from '../../src/postgres/vector-types.ts';

/** A GoogleSQL literal, and the text that PostgreSQL prints for it in the target (`value::text`). */
export type Cell = readonly [literal: string, printed: string];

/** By target; a text alone is printed for the literal of the whole type. */
interface Expected {
  readonly literal: string;
  /** In every type that holds any text. */
  readonly text: string;
  readonly targets: Readonly<Record<string, string | Cell>>;
}

/**
 * Written by hand, from the documentation of both sides: nothing here is computed by the projector.
 * PostGIS and pgvector are not part of the PostgreSQL that these tests run: the types of the first are
 * tested as SQL only, those of the second by `vectors.long.ts`.
 */
export const EXPECTED: Readonly<Record<SourceType, Expected>> = {
  INT64: {
    literal: '-1234',
    text: '-1234',
    targets: {
      int8: ['9223372036854775807', '9223372036854775807'],
      int4: ['-2147483648', '-2147483648'],
      int2: ['32767', '32767'],
      float8: ['9007199254740992', '9.007199254740992e+15'],
      float4: ['16777216', '1.6777216e+07'],
      numeric: ['-9223372036854775808', '-9223372036854775808'],
      money: '-$1,234.00',
    },
  },
  FLOAT64: {
    literal: '-0.5',
    text: '-0.5',
    targets: {
      float8: ['0.1', '0.1'],
      float4: ['1.100000023841858', '1.1'],
      numeric: ['12345.678901234567', '12345.678901234567'],
      int8: ['-9007199254740993.0', '-9007199254740992'],
      int4: ['2147483647.0', '2147483647'],
      int2: ['-0.0', '0'],
    },
  },
  BOOL: { literal: 'TRUE', text: 'true', targets: { bool: 'true' } },
  STRING: {
    literal: `'tab\\t"quote" \\\\N'`,
    text: 'tab\t"quote" \\N',
    targets: {
      json: [`'{"b":1, "a":"x"}'`, '{"b":1, "a":"x"}'],
      jsonb: [`'{"b":1, "a":"x"}'`, '{"a": "x", "b": 1}'],
      xml: [
        `'<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>'`,
        '<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>',
      ],
      enum: [`'happy'`, 'happy'],
      uuid: [`'{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}'`, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
      int8: [`'-9223372036854775808'`, '-9223372036854775808'],
      int4: [`'7'`, '7'],
      int2: [`'-7'`, '-7'],
      float8: [`'1e300'`, '1e+300'],
      float4: [`'1.5'`, '1.5'],
      numeric: [
        `'0.10000000000000000000000000000000000000000001'`,
        '0.10000000000000000000000000000000000000000001',
      ],
      money: [`'-1234567.5'`, '-$1,234,567.50'],
      bool: [`'false'`, 'false'],
      date: [`'0001-01-01'`, '0001-01-01'],
      time: [`'23:59:59.999999'`, '23:59:59.999999'],
      timestamp: [`'9999-12-31 23:59:59.999999'`, '9999-12-31 23:59:59.999999'],
      timestamptz: [`'2024-02-29 12:00:00+02'`, '2024-02-29 10:00:00+00'],
      interval: [`'1 year -2 days'`, '1 year -2 days'],
      inet: [`'10.1.2.3/8'`, '10.1.2.3/8'],
      cidr: [`'10.0.0.0/8'`, '10.0.0.0/8'],
      macaddr: [`'08:00:2b:01:02:03'`, '08:00:2b:01:02:03'],
      macaddr8: [`'08:00:2b:01:02:03:04:05'`, '08:00:2b:01:02:03:04:05'],
      bit: [`'1010'`, '1010'],
      varbit: [`'101'`, '101'],
      hstore: [`'a=>"b c", d=>NULL'`, '"a"=>"b c", "d"=>NULL'],
      tsvector: [`'fat:2 cat:3'`, "'cat':3 'fat':2"],
      ltree: [`'Top.Science'`, 'Top.Science'],
      point: [`'(1,2)'`, '(1,2)'],
      line: [`'{1,2,3}'`, '{1,2,3}'],
      lseg: [`'[(1,2),(3,4)]'`, '[(1,2),(3,4)]'],
      box: [`'(3,4),(1,2)'`, '(3,4),(1,2)'],
      path: [`'((1,2),(3,4))'`, '((1,2),(3,4))'],
      polygon: [`'((1,2),(3,4),(5,0))'`, '((1,2),(3,4),(5,0))'],
      circle: [`'<(1,2),3>'`, '<(1,2),3>'],
      daterange: [`'[2024-01-01,2024-02-01]'`, '[2024-01-01,2024-02-02)'],
      tsrange: [`'[2024-01-01 10:00,)'`, '["2024-01-01 10:00:00",)'],
      tstzrange: [`'(,2024-01-01 10:00+00]'`, '(,"2024-01-01 10:00:00+00"]'],
      int4range: [`'[1,3]'`, '[1,4)'],
      int8range: [`'empty'`, 'empty'],
      numrange: [`'(0.5,1.5]'`, '(0.5,1.5]'],
      composite: [`'(1,"a, b")'`, '(1,"a, b")'],
    },
  },
  BYTES: {
    literal: `b'\\x00\\\\\\xff'`,
    text: '',
    targets: {
      bytea: '\\x005cff',
      uuid: [
        `FROM_HEX('a0eebc999c0b4ef8bb6d6bb9bd380a11')`,
        'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
      ],
    },
  },
  NUMERIC: {
    literal: `NUMERIC '-12.5'`,
    text: '-12.5',
    targets: {
      numeric: [
        `NUMERIC '99999999999999999999999999999.999999999'`,
        '99999999999999999999999999999.999999999',
      ],
      float8: '-12.5',
      float4: '-12.5',
      money: '-$12.50',
      int2: [`NUMERIC '12'`, '12'],
      int4: [`NUMERIC '12'`, '12'],
      int8: [`NUMERIC '9223372036854775807'`, '9223372036854775807'],
    },
  },
  BIGNUMERIC: {
    literal: `BIGNUMERIC '0.125'`,
    text: '0.125',
    targets: {
      numeric: [
        `BIGNUMERIC '-57896044618658097711785492504343953.00000000000000000000000000000000000001'`,
        '-57896044618658097711785492504343953.00000000000000000000000000000000000001',
      ],
      float8: '0.125',
      float4: '0.125',
      money: [`BIGNUMERIC '0.5'`, '$0.50'],
      int2: [`BIGNUMERIC '12'`, '12'],
      int4: [`BIGNUMERIC '12'`, '12'],
      int8: [`BIGNUMERIC '12'`, '12'],
    },
  },
  DATE: {
    literal: `DATE '0001-01-01'`,
    text: '0001-01-01',
    targets: {
      date: [`DATE '9999-12-31'`, '9999-12-31'],
      timestamp: '0001-01-01 00:00:00',
      timestamptz: '0001-01-01 00:00:00+00',
    },
  },
  TIME: {
    literal: `TIME '01:02:03.000004'`,
    text: '01:02:03.000004',
    targets: {
      time: '01:02:03.000004',
      timetz: '01:02:03.000004+00',
      interval: '01:02:03.000004',
    },
  },
  DATETIME: {
    literal: `DATETIME '1969-12-31 23:59:59.999999'`,
    text: '1969-12-31 23:59:59.999999',
    targets: {
      timestamp: '1969-12-31 23:59:59.999999',
      timestamptz: '1969-12-31 23:59:59.999999+00',
    },
  },
  TIMESTAMP: {
    literal: `TIMESTAMP '0001-01-01 00:00:00.000001+00'`,
    text: '0001-01-01 00:00:00.000001+00',
    targets: {
      timestamptz: '0001-01-01 00:00:00.000001+00',
      timestamp: [`TIMESTAMP '2024-03-31 01:30:00+00'`, '2024-03-31 01:30:00'],
    },
  },
  JSON: {
    literal: `JSON '{"a":[1,null],"b":"x"}'`,
    text: '{"a":[1,null],"b":"x"}',
    targets: {
      json: [`JSON 'null'`, 'null'],
      jsonb: '{"a": [1, null], "b": "x"}',
    },
  },
  STRUCT: {
    literal: `STRUCT(NUMERIC '99999999999999999999999999999.999999999' AS n, b'\\x00\\xff' AS b, TIMESTAMP '2024-01-01 00:00:00+00' AS t)`,
    text: '{"n":"99999999999999999999999999999.999999999","b":"AP8=","t":"2024-01-01T00:00:00Z"}',
    targets: {
      json: '{"n":"99999999999999999999999999999.999999999","b":"AP8=","t":"2024-01-01T00:00:00Z"}',
      name: [
        "STRUCT(NUMERIC '7' AS n, CAST(NULL AS BYTES) AS b, CAST(NULL AS TIMESTAMP) AS t)",
        '{"n":7,"b":null,"t":null}',
      ],
      jsonb:
        '{"b": "AP8=", "n": "99999999999999999999999999999.999999999", "t": "2024-01-01T00:00:00Z"}',
    },
  },
  GEOGRAPHY: {
    literal: `ST_GEOGFROMTEXT('POINT(1 2)')`,
    text: 'POINT(1 2)',
    targets: {},
  },
  INTERVAL: {
    literal: `INTERVAL '-1-2 3 -4:5:6.789' YEAR TO SECOND`,
    text: '-1-2 3 -4:5:6.789',
    targets: { interval: '-1 years -2 mons +3 days -04:05:06.789' },
  },
  'RANGE<DATE>': {
    literal: `RANGE<DATE> '[2024-01-01, 2024-02-01)'`,
    text: '[2024-01-01,2024-02-01)',
    targets: { daterange: '[2024-01-01,2024-02-01)' },
  },
  'RANGE<DATETIME>': {
    literal: `RANGE<DATETIME> '[2024-01-01 10:00:00, UNBOUNDED)'`,
    text: '[2024-01-01 10:00:00,)',
    targets: { tsrange: '["2024-01-01 10:00:00",)' },
  },
  'RANGE<TIMESTAMP>': {
    literal: `RANGE<TIMESTAMP> '[UNBOUNDED, 2024-01-01 10:00:00+00)'`,
    text: '[,2024-01-01 10:00:00+00)',
    targets: { tstzrange: '(,"2024-01-01 10:00:00+00")' },
  },
};

/** The literals above as an element of an ARRAY that goes as JSON (TO_JSON_STRING, "JSON encodings"). */
const JSON_ELEMENTS: Readonly<Partial<Record<SourceType, string>>> = {
  INT64: '-1234',
  FLOAT64: '-0.5',
  BOOL: 'true',
  STRING: '"tab\\t\\"quote\\" \\\\N"',
  BYTES: '"AFz/"',
  NUMERIC: '"-12.5"',
  BIGNUMERIC: '"0.125"',
  DATE: '"0001-01-01"',
  TIME: '"01:02:03.000004"',
  DATETIME: '"1969-12-31T23:59:59.999999"',
  TIMESTAMP: '"0001-01-01T00:00:00.000001Z"',
  JSON: '{"a":[1,null],"b":"x"}',
  STRUCT: EXPECTED.STRUCT.text,
};

/** An ARRAY of two of the literals, and what is printed of it. */
export function arrayCellOf(source: SourceType, target: string): Cell | undefined {
  const element = JSON_ELEMENTS[source];
  const { literal } = EXPECTED[source];
  if (target === 'name') return ['[]', '[]'];
  return element === undefined
    ? undefined
    : [`[${literal}, ${literal}]`, `[${element},${element}]`];
}

export const TEXT_TARGETS = ['text', 'varchar', 'bpchar', 'citext', 'name'] as const;
export const MISSING_TARGETS = ['geometry', 'geography', ...VECTOR_TYPES] as const;

/** What there is to see of a pair; undefined where nothing is expected to go through. */
export function cellOf(source: SourceType, target: string): Cell | undefined {
  const { literal, text, targets } = EXPECTED[source];
  const own = targets[target];
  if (own !== undefined) return typeof own === 'string' ? [literal, own] : own;
  const isText = (TEXT_TARGETS as readonly string[]).includes(target);
  if (!isText || text === '') return undefined;
  // 63 bytes are all that a name holds.
  if (target !== 'name' || text.length <= 63) return [literal, text];
  return undefined;
}
