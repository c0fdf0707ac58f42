/** A zigzag varint as Avro writes its longs. */
export interface Varint {
  readonly value: number;
  /** The index of the first byte after it. */
  readonly next: number;
}

/**
 * Reads the varint at `at`; `more` where the bytes end within it, `bad` where it has more than the ten
 * bytes of a 64-bit number or a value beyond 2^53 (no count or length of an object is).
 */
export function readVarint(bytes: Uint8Array, at: number): Varint | 'more' | 'bad' {
  let zigzag = 0;
  let scale = 1;
  for (let i = 0; i < 10; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) return 'more';
    zigzag += (byte & 127) * scale;
    scale *= 128;
    if (byte < 128) {
      if (zigzag > Number.MAX_SAFE_INTEGER) return 'bad';
      const value = zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
      return { value, next: at + i + 1 };
    }
  }
  return 'bad';
}
