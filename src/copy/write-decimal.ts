import type { Cursor } from './cursor.ts';
import { InvalidValueError } from './row-error.ts';

const SIGN_NEGATIVE = 0x4000;
const NAN = 0xc000;
const INFINITY = 0xd000;
const MINUS_INFINITY = 0xf000;

/** Digits after the point that numeric can show (NUMERIC_DSCALE_MASK in the server's numeric.c). */
const MAX_SCALE = 0x3fff;

/** Groups before the point that numeric has room for (NUMERIC_WEIGHT_MAX there). */
const MAX_WEIGHT = 0x7fff;

/** Exponents beyond this cannot be numerics anyway; the limit keeps zeros from filling the memory. */
const MAX_EXPONENT = 200_000;

/**
 * Writes the decimal text bytes[from, end) as numeric_recv reads it: count of base-10000 groups,
 * weight of the first, sign, digits after the point, groups. Reads `[+-]digits[.digits][e[+-]digits]`,
 * NaN and the infinities. Throws InvalidValueError for anything else.
 */
export function writeDecimal(c: Cursor, bytes: Uint8Array, from: number, end: number): void {
  let i = from;
  const first = bytes[i] as number;
  const negative = first === 0x2d;
  if (negative || first === 0x2b) i += 1;

  // Digits of the mantissa are counted, not gathered: groups are cut from the text afterwards.
  let point = -1;
  let digits = 0;
  let significantFrom = -1;
  const start = i;
  for (; i < end; i += 1) {
    const code = bytes[i] as number;
    if (code >= 0x30 && code <= 0x39) {
      if (significantFrom < 0 && code !== 0x30) significantFrom = i;
      digits += 1;
    } else if (code === 0x2e && point < 0) point = i;
    else break;
  }
  if (digits === 0) {
    writeSpecial(c, bytes, from, end);
    return;
  }
  const mantissaEnd = i;
  const exponent = i === end ? 0 : readExponent(bytes, i, from, end);
  const integerDigits = (point < 0 ? mantissaEnd : point) - start;
  const fraction = digits - integerDigits;
  const scale = Math.max(0, fraction - exponent);
  if (scale > MAX_SCALE) throw notANumber(bytes, from, end);
  if (significantFrom < 0) {
    putGroups(c, 0, 0, 0, scale);
    return;
  }
  writeGroups(c, bytes, significantFrom, mantissaEnd, point, exponent, {
    sign: negative ? SIGN_NEGATIVE : 0,
    scale,
  });
}

interface Shape {
  readonly sign: number;
  readonly scale: number;
}

/**
 * Cuts the digits into groups of four that are aligned at the decimal point. `power` is the power
 * of ten of the digit at hand; the group of a digit is floor(power / 4).
 */
function writeGroups(
  c: Cursor,
  bytes: Uint8Array,
  from: number,
  end: number,
  point: number,
  exponent: number,
  shape: Shape,
): void {
  // A first digit behind the point has the power -1, -2, ...
  const firstPower = point < 0 ? end - from - 1 : point > from ? point - from - 1 : point - from;
  let power = firstPower + exponent;
  const weight = Math.floor(power / 4);
  if (weight > MAX_WEIGHT || weight < -MAX_WEIGHT) throw notANumber(bytes, from, end);
  c.ensure(12 + 2 * (end - from));
  const { outView } = c;
  let at = c.at + 12;
  let lastNonZero = at;
  let group = 0;
  for (let i = from; i < end; i += 1) {
    if (i === point) continue;
    group = group * 10 + (bytes[i] as number) - 0x30;
    if ((power & 3) === 0) {
      outView.setInt16(at, group);
      at += 2;
      if (group !== 0) lastNonZero = at;
      group = 0;
    }
    power -= 1;
  }
  if ((power & 3) !== 3) {
    // The last group lacks digits behind it: they are zeros.
    for (; (power & 3) !== 3; power -= 1) group *= 10;
    outView.setInt16(at, group);
    at += 2;
    if (group !== 0) lastNonZero = at;
  }
  const groups = (lastNonZero - c.at - 12) / 2;
  putGroups(c, groups, weight, shape.sign, shape.scale);
}

function putGroups(c: Cursor, groups: number, weight: number, sign: number, scale: number): void {
  const { outView, at } = c;
  outView.setInt32(at, 8 + 2 * groups);
  outView.setInt16(at + 4, groups);
  outView.setInt16(at + 6, weight);
  outView.setInt16(at + 8, sign);
  outView.setInt16(at + 10, scale);
  c.at = at + 12 + 2 * groups;
}

function readExponent(bytes: Uint8Array, at: number, from: number, end: number): number {
  const text = Buffer.from(bytes.subarray(at, end)).toString('latin1');
  const exponent = /^e[+-]?\d{1,6}$/i.test(text) ? Number(text.slice(1)) : Number.NaN;
  if (Math.abs(exponent) <= MAX_EXPONENT) return exponent;
  throw notANumber(bytes, from, end);
}

const SPECIALS: Readonly<Record<string, number>> = {
  nan: NAN,
  inf: INFINITY,
  '+inf': INFINITY,
  infinity: INFINITY,
  '+infinity': INFINITY,
  '-inf': MINUS_INFINITY,
  '-infinity': MINUS_INFINITY,
};

function writeSpecial(c: Cursor, bytes: Uint8Array, from: number, end: number): void {
  const text = Buffer.from(bytes.subarray(from, Math.min(end, from + 16))).toString('latin1');
  const sign = SPECIALS[text.toLowerCase()];
  if (sign === undefined) throw notANumber(bytes, from, end);
  putGroups(c, 0, 0, sign, 0);
}

function notANumber(bytes: Uint8Array, from: number, end: number): InvalidValueError {
  return new InvalidValueError('not a number', Buffer.from(bytes.subarray(from, end)).toString());
}
