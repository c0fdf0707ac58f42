import fc from 'fast-check';
import type { Field } from '../gcp/google.ts';

/** A scalar type with random values, as text that PostgreSQL and DuckDB read alike. */
export interface Kind {
  readonly field: Omit<Field, 'name'>;
  /** The type that the new column gets. */
  readonly postgres: string;
  readonly values: fc.Arbitrary<string>;
}

const MIN_INT = -(2n ** 63n);
const two = (n: number) => String(n).padStart(2, '0');
const part = (max: number) => fc.integer({ min: 0, max });

const dates = (from: number, to: number) =>
  fc.oneof(
    fc.constantFrom(from, to).map((year) => `${String(year).padStart(4, '0')}-12-31`),
    fc
      .tuple(fc.integer({ min: from, max: to }), part(11), part(27))
      .map(([y, m, d]) => `${String(y).padStart(4, '0')}-${two(m + 1)}-${two(d + 1)}`),
  );
const days = fc.oneof(dates(1, 9999), fc.constantFrom('0001-01-01', '2024-02-29', '1900-02-28'));
const times = fc.oneof(
  fc.constantFrom('00:00:00', '23:59:59.999999'),
  fc
    .tuple(part(23), part(59), part(59), part(999_999))
    .map(([h, m, s, us]) => `${two(h)}:${two(m)}:${two(s)}.${String(us).padStart(6, '0')}`),
);
const moments = fc.tuple(days, times).map(([day, time]) => `${day} ${time}`);

/** Texts of TIMESTAMP between two years. */
export const instants = (from: number, to: number) =>
  fc.tuple(dates(from, to), times).map(([day, time]) => `${day} ${time}+00`);

const decimals = (whole: number, fraction: number) =>
  fc
    .tuple(
      fc.boolean(),
      fc.bigInt({ min: 0n, max: 10n ** BigInt(whole) - 1n }),
      part(10 ** fraction - 1),
    )
    .map(([minus, n, f]) => {
      const digits = String(f).padStart(fraction, '0').replace(/0+$/, '');
      const text = digits === '' ? String(n) : `${n}.${digits}`;
      return minus && text !== '0' ? `-${text}` : text;
    });

const doubles = fc.oneof(
  fc.double().map((x) => (Object.is(x, -0) ? '-0' : String(x))),
  fc.constantFrom('NaN', 'Infinity', '-Infinity', '-0', '5e-324', '1.7976931348623157e308', '0.1'),
);
const texts = fc.oneof(
  fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\0', '')),
  fc.constantFrom('', '\\N', '\\.', 'NULL', '\t\n\r"\'\\', '{a,b}', '😀'.repeat(3000)),
);

const kind = (
  type: string,
  postgres: string,
  values: fc.Arbitrary<string>,
  more: Partial<Field> = {},
): Kind => ({ field: { ...more, type }, postgres, values });

export const KINDS: readonly Kind[] = [
  kind('INT64', 'bigint', fc.bigInt({ min: MIN_INT, max: -MIN_INT - 1n }).map(String)),
  kind('FLOAT64', 'double precision', doubles),
  kind('BOOL', 'boolean', fc.constantFrom('true', 'false')),
  kind('STRING', 'text', texts),
  kind('STRING', 'varchar(10)', fc.string({ maxLength: 10, unit: fc.constantFrom(...'ab é€ ') }), {
    maxLength: '10',
  }),
  // Without a backslash, both read the bytes of the text.
  kind('BYTES', 'bytea', fc.string({ unit: fc.constantFrom(...'\t\n ,"abc\u007f') })),
  kind('NUMERIC', 'numeric', decimals(29, 9)),
  kind('NUMERIC', 'numeric(10,2)', decimals(8, 2), { precision: '10', scale: '2' }),
  kind('DATE', 'date', days),
  kind('TIME', 'time', times),
  kind('DATETIME', 'timestamp', moments),
  kind(
    'TIMESTAMP',
    'timestamptz',
    moments.map((text) => `${text}+00`),
  ),
  kind(
    'JSON',
    'jsonb',
    fc.json({ noUnicodeString: false }).filter((x) => !x.includes('\\u0000')),
  ),
];
