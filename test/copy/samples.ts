import fc from 'fast-check';
import type { Encoding } from '../../src/copy/encodings.ts';

/** A encoding of the encoder with one of its Postgres types, values to try, and what they should become. */
export interface Sample {
  readonly encoding: Encoding;
  readonly avro: 'long' | 'double' | 'boolean' | 'bytes' | 'string';
  readonly type: string;
  /** pg_type.oid of `type` (pg_type.dat in the server's source). */
  readonly oid: number;
  readonly values: fc.Arbitrary<unknown>;
  /** The value as text that PostgreSQL can read. */
  readonly text: (value: unknown) => string;
  /** SQL that gives the value wanted from that text: PostgreSQL's own way to it. */
  readonly expected: (text: string) => string;
}

const cast =
  (...types: readonly string[]) =>
  (x: string) =>
    [`(${x})`, ...types].join('::');

/** Longs of every length that a varint can have. */
const longs = (bits: number): fc.Arbitrary<bigint> =>
  fc.oneof(
    fc.constantFrom(0n, -1n, 1n, 2n ** BigInt(bits - 1) - 1n, -(2n ** BigInt(bits - 1))),
    fc
      .tuple(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.integer({ min: 0, max: bits - 1 }))
      .map(([value, drop]) => BigInt.asIntN(bits, value) >> BigInt(drop)),
  );

/** Doubles by their bits, so that every exponent is as likely; and those that people write. */
const doubles = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((bits) => {
    const buffer = Buffer.alloc(8);
    buffer.writeBigUInt64LE(bits);
    return buffer.readDoubleLE();
  }),
  fc.double(),
  fc.integer().map((n) => n / 100),
  fc.constantFrom(-0, Number.NaN, Infinity, -Infinity, 5e-324, 1.7976931348623157e308, 0.1),
);

const doubleText = (value: unknown) => (Object.is(value, -0) ? '-0' : String(value));

const digits = (maxLength: number) =>
  fc.array(fc.constantFrom(...'0123456789', '0', '9'), { maxLength }).map((all) => all.join(''));

/** Decimal texts of any shape: signs, zeros before and after, a point anywhere, an exponent. */
const decimals = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('', '-', '+'),
      fc.oneof(digits(8), digits(80)),
      fc.option(fc.oneof(digits(8), digits(80)), { nil: undefined }),
      fc.option(fc.integer({ min: -60, max: 60 }), { nil: undefined, freq: 2 }),
    )
    .map(([sign, whole, fraction, exponent]) => {
      const point = fraction === undefined ? '' : `.${fraction}`;
      const mantissa = whole + (fraction ?? '') === '' ? '0' : whole + point;
      return `${sign}${mantissa}${exponent === undefined ? '' : `e${exponent}`}`;
    }),
  fc.constantFrom(
    'NaN',
    '0.000000001',
    '99999999999999999999999999999.999999999',
    '-578960446186580977117854925043439539266.34992332820282019728792003956564819968',
    '0.00000000000000000000000000000000000001',
  ),
);

/** Any text without NUL, which PostgreSQL cannot hold; long ones too. */
const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }).map((text) => text.replaceAll('\0', '\u0001')),
  fc.string({ unit: fc.constantFrom(...'\t\n\r\b\f\v\\"\'{},Né€😀. ') }),
  fc.constantFrom('', '\\N', '\\.', 'NULL', '{}', '\uFEFF'),
  fc.integer({ min: 40, max: 5000 }).map((length) => 'é'.repeat(length)),
);

const bytes = fc
  .oneof(fc.uint8Array(), fc.uint8Array({ minLength: 40, maxLength: 300 }))
  .map((array) => Buffer.from(array));

const hex = (value: unknown) => (value as Buffer).toString('hex');

const DAY = 86_400_000_000n;
/** From year 1 to 9999, in days since 2000. */
const days = fc
  .oneof(fc.constantFrom(-730_119, 2_921_939), fc.integer({ min: -730_119, max: 2_921_939 }))
  .map(BigInt);
const micros = fc
  .tuple(days, fc.bigInt({ min: 0n, max: DAY - 1n }))
  .map(([day, rest]) => day * DAY + rest);
const sinceEpoch = (epoch: string) => (x: string) =>
  `(${epoch} '2000-01-01' + ((${x})::bigint / ${DAY}) * interval '1 day'
    + ((${x})::bigint % ${DAY}) * interval '1 microsecond')`;

const sample = (
  encoding: Encoding,
  avro: Sample['avro'],
  [type, oid]: readonly [string, number],
  values: fc.Arbitrary<unknown>,
  text: Sample['text'] = String,
  expected: Sample['expected'] = cast(type),
): Sample => ({ encoding, avro, type, oid, values, text, expected });

const wholeDoubles = (bits: number) =>
  longs(bits)
    .map(Number)
    .filter((value) => BigInt.asIntN(bits, BigInt(value)) === BigInt(value));

/** Longs that the mantissa of a floating-point type holds. */
const exact = (mantissa: number) =>
  fc
    .tuple(longs(mantissa), fc.bigInt({ min: 0n, max: BigInt(62 - mantissa) }))
    .map(([value, shift]) => value << shift);

const uuids = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((array) => Buffer.from(array));

const part = (max: number) => fc.integer({ min: 0, max });
/** `[-]years-months [-]days [-]hours:minutes:seconds[.fraction]`, within GoogleSQL's limits. */
const intervals = fc
  .tuple(
    fc.tuple(...Array.from({ length: 3 }, () => fc.constantFrom('', '-'))),
    fc.tuple(part(9999), part(11), part(3_660_000), part(87_840_000), part(59), part(59)),
    fc.option(fc.integer({ min: 1, max: 999_999 }), { nil: undefined }),
  )
  .map(([[one = '', two = '', three = ''], [y, mo, d, h, mi, s], micros]) => {
    const fraction = micros === undefined ? '' : `.${String(micros).padStart(6, '0')}`;
    return `${one}${y}-${mo} ${two}${d} ${three}${h}:${mi}:${s}${fraction}`;
  });
const sqlInterval = (x: string) => `make_interval(
  months => (CASE WHEN ${x} LIKE '-%' THEN -1 ELSE 1 END)
    * (12 * substring(${x} from '^-?(\\d+)-')::int + substring(${x} from '^-?\\d+-(\\d+)')::int),
  days => split_part(${x}, ' ', 2)::int) + split_part(${x}, ' ', 3)::interval`;

/** Samples for both formats. */
export const SAMPLES: readonly Sample[] = [
  sample('int8', 'long', ['bigint', 20], longs(64)),
  sample('int4', 'long', ['integer', 23], longs(32)),
  sample('int2', 'long', ['smallint', 21], longs(16)),
  sample('float8', 'double', ['double precision', 701], doubles, doubleText),
  sample(
    'float4',
    'double',
    ['real', 700],
    doubles
      .map((value) => (value as number) % 3.4e38)
      .filter((x) => Math.abs(x) > 1e-37 || x === 0 || Number.isNaN(x)),
    doubleText,
    cast('double precision', 'real'),
  ),
  sample('doubleAsInt8', 'double', ['bigint', 20], wholeDoubles(64), (x) =>
    String(BigInt(x as number)),
  ),
  sample('doubleAsInt4', 'double', ['integer', 23], wholeDoubles(32)),
  sample('doubleAsInt2', 'double', ['smallint', 21], wholeDoubles(16)),
  sample(
    'doubleAsNumeric',
    'double',
    ['numeric', 1700],
    doubles.filter((value) => Number.isNaN(value) || Number.isFinite(value)),
    doubleText,
    // By the digits that JavaScript prints: at a tie, Postgres prints one more of the same double.
    cast('numeric'),
  ),
  sample('longAsFloat8', 'long', ['double precision', 701], exact(53)),
  sample('longAsFloat4', 'long', ['real', 700], exact(24)),
  sample('bool', 'boolean', ['boolean', 16], fc.boolean()),
  sample('text', 'string', ['text', 25], texts),
  sample('text', 'string', ['character varying(6000)', 1043], texts),
  sample(
    'text',
    'string',
    ['json', 114],
    fc.json({ noUnicodeString: false }).filter((x) => !x.includes('\\u0000')),
  ),
  sample(
    'jsonb',
    'string',
    ['jsonb', 3802],
    fc.json({ noUnicodeString: false }).filter((x) => !x.includes('\\u0000')),
  ),
  sample('bytea', 'bytes', ['bytea', 17], bytes, hex, (x) => `decode(${x}, 'hex')`),
  sample('numeric', 'string', ['numeric', 1700], decimals),
  sample(
    'uuid',
    'string',
    ['uuid', 2950],
    fc.oneof(
      fc.uuid(),
      fc.uuid().map((x) => x.replaceAll('-', '').toUpperCase()),
    ),
  ),
  sample('interval', 'string', ['interval', 1186], intervals, String, sqlInterval),
  sample(
    'money',
    'string',
    ['money', 790],
    longs(63).map(
      (n) =>
        `${n / 100n}.${String(n % 100n)
          .replace('-', '')
          .padStart(2, '0')}`,
    ),
    String,
    cast('numeric', 'money'),
  ),
  sample('bytesAsUuid', 'bytes', ['uuid', 2950], uuids, hex),
];

/** Dates and times are longs in binary only: for COPY text BigQuery writes them as strings. */
export const TIME_SAMPLES: readonly Sample[] = [
  sample('int4', 'long', ['date', 1082], days, String, (x) => `(date '2000-01-01' + (${x})::int)`),
  sample('int8', 'long', ['timestamp', 1114], micros, String, sinceEpoch('timestamp')),
  sample('int8', 'long', ['timestamptz', 1184], micros, String, sinceEpoch('timestamptz')),
  sample(
    'int8',
    'long',
    ['time', 1083],
    fc.bigInt({ min: 0n, max: DAY - 1n }),
    String,
    (x) => `(time '00:00' + ((${x})::bigint) * interval '1 microsecond')`,
  ),
];
