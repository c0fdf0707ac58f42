import type { Field } from '../gcp/google.ts';

/** Values of one BigQuery type: each as GoogleSQL, and as PostgreSQL prints what arrives. */
export interface TypeCases {
  /** Also the name of its column, in lower case. */
  readonly type: string;
  readonly more?: Partial<Field>;
  /** What the created table has. */
  readonly postgres: string;
  readonly values: readonly (readonly [sql: string, text: string])[];
  /** PostgreSQL's text of an array of all the values; undefined where ARRAYs become jsonb. */
  readonly array?: string;
}

/** As GoogleSQL and JSON write it alike. */
const text = (value: string) => [JSON.stringify(value), value] as const;
const typed = (type: string, value: string, printed = value) =>
  [`${type} '${value}'`, printed] as const;
const float = (value: string, printed: string) => [`CAST('${value}' AS FLOAT64)`, printed] as const;

/** Every value and its text are written by hand, from the two manuals. */
export const TYPES: readonly TypeCases[] = [
  {
    type: 'INTEGER',
    postgres: 'bigint',
    values: [
      ['0', '0'],
      ['-1', '-1'],
      ['9223372036854775807', '9223372036854775807'],
      ['-9223372036854775807 - 1', '-9223372036854775808'],
      ['4294967296', '4294967296'],
      ['2147483648', '2147483648'],
    ],
    array: '{0,-1,9223372036854775807,-9223372036854775808,4294967296,2147483648}',
  },
  {
    type: 'FLOAT',
    postgres: 'double precision',
    values: [
      ['0.1', '0.1'],
      float('-0.0', '-0'),
      float('nan', 'NaN'),
      float('inf', 'Infinity'),
      float('-inf', '-Infinity'),
      float('1.7976931348623157e308', '1.7976931348623157e+308'),
      float('5e-324', '5e-324'),
      float('123456789.125', '123456789.125'),
    ],
    array: '{0.1,-0,NaN,Infinity,-Infinity,1.7976931348623157e+308,5e-324,123456789.125}',
  },
  {
    type: 'BOOLEAN',
    postgres: 'boolean',
    values: [
      ['TRUE', 'true'],
      ['FALSE', 'false'],
    ],
    array: '{t,f}',
  },
  {
    type: 'STRING',
    postgres: 'text',
    values: [
      text(''),
      text('a\tb'),
      text('a\nb\r\nc'),
      text('it\'s "quoted"'),
      text('back\\slash\\'),
      text('\\N'),
      text('\\.'),
      text('😀 é 中文 \u{10ffff}'),
      text('NULL'),
      text('null'),
      text(' '),
      text('{a,b}'),
      text('\u0001\u007f\b\f\v'),
    ],
    array:
      '{"","a\tb","a\nb\r\nc","it\'s \\"quoted\\"","back\\\\slash\\\\","\\\\N","\\\\.","😀 é 中文 \u{10ffff}","NULL","null"," ","{a,b}","\u0001\u007f\b\f\v"}',
  },
  {
    type: 'BYTES',
    postgres: 'bytea',
    values: [
      ["b''", '\\x'],
      ["b'\\x00\\xff\\x5c\\x0a'", '\\x00ff5c0a'],
      ["b'abc'", '\\x616263'],
    ],
    array: '{"\\\\x","\\\\x00ff5c0a","\\\\x616263"}',
  },
  {
    type: 'NUMERIC',
    postgres: 'numeric',
    values: [
      typed('NUMERIC', '99999999999999999999999999999.999999999'),
      typed('NUMERIC', '-99999999999999999999999999999.999999999'),
      typed('NUMERIC', '0.000000001'),
      typed('NUMERIC', '0'),
      typed('NUMERIC', '10000'),
      typed('NUMERIC', '1.50', '1.5'),
    ],
    array:
      '{99999999999999999999999999999.999999999,-99999999999999999999999999999.999999999,0.000000001,0,10000,1.5}',
  },
  {
    type: 'BIGNUMERIC',
    postgres: 'numeric',
    values: [
      typed(
        'BIGNUMERIC',
        '578960446186580977117854925043439539266.34992332820282019728792003956564819967',
      ),
      typed(
        'BIGNUMERIC',
        '-578960446186580977117854925043439539266.34992332820282019728792003956564819968',
      ),
      typed('BIGNUMERIC', '0.00000000000000000000000000000000000001'),
    ],
    array:
      '{578960446186580977117854925043439539266.34992332820282019728792003956564819967,-578960446186580977117854925043439539266.34992332820282019728792003956564819968,0.00000000000000000000000000000000000001}',
  },
  {
    type: 'DATE',
    postgres: 'date',
    values: [
      typed('DATE', '0001-01-01'),
      typed('DATE', '9999-12-31'),
      typed('DATE', '1970-01-01'),
      typed('DATE', '1999-12-31'),
      typed('DATE', '2024-02-29'),
    ],
    array: '{0001-01-01,9999-12-31,1970-01-01,1999-12-31,2024-02-29}',
  },
  {
    type: 'TIME',
    postgres: 'time without time zone',
    values: [
      typed('TIME', '00:00:00'),
      typed('TIME', '23:59:59.999999'),
      typed('TIME', '12:34:56.700', '12:34:56.7'),
    ],
    array: '{00:00:00,23:59:59.999999,12:34:56.7}',
  },
  {
    type: 'DATETIME',
    postgres: 'timestamp without time zone',
    values: [
      typed('DATETIME', '0001-01-01 00:00:00'),
      typed('DATETIME', '9999-12-31 23:59:59.999999'),
      typed('DATETIME', '1969-12-31 23:59:59.999999'),
      typed('DATETIME', '2000-01-01 00:00:00.000001'),
    ],
    array:
      '{"0001-01-01 00:00:00","9999-12-31 23:59:59.999999","1969-12-31 23:59:59.999999","2000-01-01 00:00:00.000001"}',
  },
  {
    type: 'TIMESTAMP',
    postgres: 'timestamp with time zone',
    values: [
      typed('TIMESTAMP', '0001-01-01 00:00:00+00'),
      typed('TIMESTAMP', '9999-12-31 23:59:59.999999+00'),
      typed('TIMESTAMP', '1969-12-31 23:59:59.999999+00'),
      typed('TIMESTAMP', '2024-06-30 12:00:00+02', '2024-06-30 10:00:00+00'),
    ],
    array:
      '{"0001-01-01 00:00:00+00","9999-12-31 23:59:59.999999+00","1969-12-31 23:59:59.999999+00","2024-06-30 10:00:00+00"}',
  },
  {
    type: 'JSON',
    postgres: 'jsonb',
    values: [
      ['JSON \'{"a":[1,null,"x"],"b":{}}\'', '{"a": [1, null, "x"], "b": {}}'],
      ["JSON 'null'", 'null'],
      ['JSON \'"text"\'', '"text"'],
      ["JSON '12.50'", '12.5'],
    ],
    array: '{"{\\"a\\": [1, null, \\"x\\"], \\"b\\": {}}","null","\\"text\\"",12.5}',
  },
  {
    type: 'RECORD',
    more: {
      fields: [
        { name: 'i', type: 'INTEGER' },
        { name: 's', type: 'STRING' },
        { name: 'deep', type: 'RECORD', fields: [{ name: 'd', type: 'DATE' }] },
        { name: 'list', type: 'INTEGER', mode: 'REPEATED' },
      ],
    },
    postgres: 'jsonb',
    values: [
      [
        `STRUCT(1 AS i, ${JSON.stringify('x"\\\n😀')} AS s, STRUCT(DATE '2024-02-29' AS d) AS deep, [1, 2] AS list)`,
        '{"i": 1, "s": "x\\"\\\\\\n😀", "deep": {"d": "2024-02-29"}, "list": [1, 2]}',
      ],
      [
        'STRUCT(9007199254740993 AS i, CAST(NULL AS STRING) AS s, CAST(NULL AS STRUCT<d DATE>) AS deep, CAST([] AS ARRAY<INT64>) AS list)',
        '{"i": "9007199254740993", "s": null, "deep": null, "list": []}',
      ],
    ],
  },
  {
    type: 'INTERVAL',
    postgres: 'interval',
    values: [
      ["INTERVAL '1-2 3 4:5:6.789' YEAR TO SECOND", '1 year 2 mons 3 days 04:05:06.789'],
      ["INTERVAL '0-0 -1 0:0:0' YEAR TO SECOND", '-1 days'],
    ],
    array: '{"1 year 2 mons 3 days 04:05:06.789","-1 days"}',
  },
];

/** Types that only COPY text can carry. */
export const TEXT_TYPES: readonly TypeCases[] = [
  {
    type: 'RANGE',
    more: { rangeElementType: { type: 'DATE' } },
    postgres: 'daterange',
    values: [
      ["RANGE<DATE> '[2024-01-01, 2024-02-01)'", '[2024-01-01,2024-02-01)'],
      ["RANGE<DATE> '[UNBOUNDED, 2024-02-01)'", '(,2024-02-01)'],
    ],
    array: '{"[2024-01-01,2024-02-01)","(,2024-02-01)"}',
  },
];
