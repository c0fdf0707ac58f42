import type { Cursor } from './cursor.ts';

/** Keeps the least and the greatest long that was seen, in halves, so that no BigInt is made for a row. */
export class LongRange {
  #minHi = 0;
  #minLo = 0;
  #maxHi = 0;
  #maxLo = 0;
  #seen = false;

  readonly see = (c: Cursor): void => {
    if (!this.#seen || isLess(this.#maxHi, this.#maxLo, c.hi, c.lo)) {
      this.#maxHi = c.hi;
      this.#maxLo = c.lo;
    }
    if (!this.#seen || isLess(c.hi, c.lo, this.#minHi, this.#minLo)) {
      this.#minHi = c.hi;
      this.#minLo = c.lo;
    }
    this.#seen = true;
  };

  /** undefined before the first value. */
  get min(): bigint | undefined {
    return this.#seen ? joined(this.#minHi, this.#minLo) : undefined;
  }

  get max(): bigint | undefined {
    return this.#seen ? joined(this.#maxHi, this.#maxLo) : undefined;
  }
}

/** Adds up longs that count rows: they fit a double. */
export class LongSum {
  value = 0;

  readonly see = (c: Cursor): void => {
    this.value += c.hi * 4_294_967_296 + (c.lo >>> 0);
  };
}

/** The high half decides with its sign, the low half without one. */
function isLess(hi: number, lo: number, otherHi: number, otherLo: number): boolean {
  return hi < otherHi || (hi === otherHi && lo >>> 0 < otherLo >>> 0);
}

function joined(hi: number, lo: number): bigint {
  return (BigInt(hi) << 32n) | BigInt(lo >>> 0);
}
