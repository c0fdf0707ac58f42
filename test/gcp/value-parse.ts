import { readDate, readDatetime, readTime, readTimestamp } from './value-moment.ts';
import { trimZeros } from './value-text.ts';

/** The types whose values BigQuery reads from a STRING by rules of its own. */
export type ParsedKind = keyof typeof READERS;

/**
 * A text that DuckDB reads as BigQuery reads `text` in CAST(text AS kind); throws BigQuery's words
 * where it reads none (recorded from ZetaSQL; test/oracle compares the two).
 */
export function canonicalText(text: string, kind: ParsedKind): string {
  const { read, refusal } = READERS[kind];
  const canonical = read(text);
  if (canonical === undefined) throw new Error(refusal(text));
  return canonical;
}

type Read = (text: string) => string | undefined;

const readBool: Read = (text) => (/^(true|false)$/i.test(text) ? text : undefined);

const MIN_INT64 = -(2n ** 63n);

const readInt64: Read = (text) => {
  // Before a hexadecimal number, of all white space only blanks are passed over.
  const [, sign = '', digits = ''] =
    /^(?:[ \t-\r]*(?=[+-]?\d+[ \t-\r]*$)| *)([+-]?)(\d+|0x[\da-f]+)[ \t-\r]*$/i.exec(text) ?? [];
  if (digits === '') return undefined;
  const value = sign === '-' ? -BigInt(digits) : BigInt(digits);
  return value >= MIN_INT64 && value < -MIN_INT64 ? String(value) : undefined;
};

const DECIMAL_DOUBLE = /^(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const HEX_DOUBLE = /^0x(?=[\da-f.]*[\da-f])([\da-f]*)\.?([\da-f]*)(?:p([+-]?\d+))?$/i;

const readFloat64: Read = (text) => {
  const [, sign = '', number = ''] = /^[ \t-\r]*([+-]?)(\S+?)[ \t-\r]*$/.exec(text) ?? [];
  if (/^(?:inf|infinity)$/i.test(number)) return sign + number;
  if (/^nan(?:\(\w*\))?$/i.test(number)) return 'nan';
  if (DECIMAL_DOUBLE.test(number)) return sign + Number(number);
  const [hex, whole = '', fraction = '', exponent = '0'] = HEX_DOUBLE.exec(number) ?? [];
  if (hex === undefined) return undefined;
  const value = Number(`0x${whole}${fraction}`) * 2 ** (Number(exponent) - 4 * fraction.length);
  return `${sign}${value}`;
};

const BIGNUMERIC_SCALE = 38;
const MAX_BIGNUMERIC = 2n ** 255n;

/**
 * A decimal as BIGNUMERIC keeps it: without exponent or needless zeros, rounded half away from zero
 * to 38 digits. Throws for what is none and for what is out of range.
 */
export function canonicalDecimal(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^\s*([+-]?)(\d*)\.?(\d*)(?:e([+-]?\d+))?\s*$/i.exec(text) ?? [];
  const power = BIGNUMERIC_SCALE + Number(exponent) - fraction.length;
  const digits = (whole + fraction).replace(/^0+(?=\d)/, '');
  // A number of more digits is out of range, unless it is zero.
  const huge = digits.length + power > 100 && digits !== '0';
  const size = digits === '' || huge ? MAX_BIGNUMERIC + 1n : scaled(BigInt(digits), power);
  if (size >= MAX_BIGNUMERIC + (sign === '-' ? 1n : 0n))
    throw new Error(`Invalid BIGNUMERIC value: ${text}`);
  const padded = String(size).padStart(BIGNUMERIC_SCALE + 1, '0');
  const point = padded.length - BIGNUMERIC_SCALE;
  const plain = trimZeros(`${padded.slice(0, point)}.${padded.slice(point)}`);
  return sign === '-' && size !== 0n ? `-${plain}` : plain;
}

/** `size` times 10 to the `power`, rounded half up. */
function scaled(size: bigint, power: number): bigint {
  if (power >= 0) return size === 0n ? 0n : size * 10n ** BigInt(power);
  if (-power > String(size).length) return 0n;
  const divisor = 10n ** BigInt(-power);
  return (size + divisor / 2n) / divisor;
}

const READERS = {
  BOOL: { read: readBool, refusal: (text: string) => `Bad bool value: ${text}` },
  INT64: { read: readInt64, refusal: (text: string) => `Bad int64 value: ${text}` },
  FLOAT64: { read: readFloat64, refusal: (text: string) => `Bad double value: ${text}` },
  DATE: { read: readDate, refusal: (text: string) => `Invalid date: '${text}'` },
  TIME: { read: readTime, refusal: (text: string) => `Invalid time string "${text}"` },
  DATETIME: { read: readDatetime, refusal: (text: string) => `Invalid datetime string "${text}"` },
  TIMESTAMP: { read: readTimestamp, refusal: (text: string) => `Invalid timestamp: '${text}'` },
} as const satisfies Record<string, { read: Read; refusal: (text: string) => string }>;
