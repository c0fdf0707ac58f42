import type { Cursor } from './cursor.ts';

/** Keeps the greatest long that was seen, in halves, so that no BigInt is made for a row. */
export function maxTracker(): {
  readonly see: (c: Cursor) => void;
  /** Microseconds since 2000-01-01; undefined before the first value. */
  readonly value: () => bigint | undefined;
} {
  let hi = 0;
  let lo = 0;
  let seen = false;
  return {
    see: (c) => {
      const later = c.hi > hi || (c.hi === hi && c.lo >>> 0 > lo >>> 0);
      if (seen && !later) return;
      hi = c.hi;
      lo = c.lo;
      seen = true;
    },
    value: () => (seen ? (BigInt(hi) << 32n) | BigInt(lo >>> 0) : undefined),
  };
}
