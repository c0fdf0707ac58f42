import { type Cursor, readLong } from './cursor.ts';
import { InvalidValueError } from './row-error.ts';

const TWO_32 = 4_294_967_296;

export function readDouble(c: Cursor): number {
  const value = c.view.getFloat64(c.pos, true);
  c.pos += 8;
  return value;
}

/** The nearest float4; too large and too small ones are refused, as float4in refuses them. */
export function readSingle(c: Cursor): number {
  const value = readDouble(c);
  const single = Math.fround(value);
  const overflows = !Number.isFinite(single) && Number.isFinite(value);
  if (overflows || (single === 0 && value !== 0)) {
    throw new InvalidValueError('real out of range', doubleText(value));
  }
  return single;
}

/** Reads a double that is a whole number in [min, beyond); `type` is for the error. */
export function readWholeDouble(c: Cursor, type: string, min: number, beyond: number): number {
  const value = readDouble(c);
  if (Number.isInteger(value) && value >= min && value < beyond) return value;
  throw new InvalidValueError(`${type} out of range, or not a whole number`, doubleText(value));
}

/** Reads a long that a floating-point type holds exactly; `round` rounds to that type. */
export function readExactDouble(c: Cursor, round: (value: number) => number): number {
  readLong(c);
  const value = c.hi * TWO_32 + (c.lo >>> 0);
  const rounded = round(value);
  const isExact =
    rounded === value &&
    (Math.abs(value) <= Number.MAX_SAFE_INTEGER || BigInt(value) === longValue(c));
  if (isExact) return rounded;
  throw new InvalidValueError('the type does not hold it exactly', longText(c));
}

/**
 * Reads a long as a double that rounds to single precision as the long itself does: of the bits that a
 * double has no room for, beyond 2^53, it keeps that there are any.
 */
export function readRoundableLong(c: Cursor): number {
  readLong(c);
  const isExact = c.hi >= -0x20_0000 && c.hi < 0x20_0000;
  const lo = isExact || (c.lo & 0x7ff) === 0 ? c.lo : (c.lo & ~0x7ff) | 0x400;
  return c.hi * TWO_32 + (lo >>> 0);
}

/** The shortest text that reads back as the same double; the exponent is written as JavaScript does. */
export function doubleText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** The long last read, as decimal text. */
export function longText(c: Cursor): string {
  return String(longValue(c));
}

function longValue(c: Cursor): bigint {
  return (BigInt(c.hi) << 32n) | BigInt(c.lo >>> 0);
}
