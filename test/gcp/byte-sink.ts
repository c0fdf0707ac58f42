/** Bytes in Avro's binary encoding, growing as they are written. */
export interface ByteSink {
  readonly length: number;
  byte(value: number): void;
  /** A zigzag varint of a number that is exact, |value| <= 2^52. */
  long(value: number): void;
  bigLong(value: bigint): void;
  double(value: number): void;
  bytes(value: Uint8Array): void;
  text(value: string): void;
  /** The bytes so far, copied; the sink is empty afterwards. */
  take(): Buffer;
}

const SAFE = 1n << 51n;

export function createByteSink(): ByteSink {
  let buffer = Buffer.allocUnsafe(1 << 16);
  let view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  let at = 0;

  const reserve = (count: number): void => {
    if (at + count <= buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(buffer.length * 2, at + count));
    buffer.copy(grown, 0, 0, at);
    buffer = grown;
    view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  };
  const varint = (value: number): void => {
    let rest = value;
    while (rest >= 0x80000000) {
      buffer[at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    while (rest >= 128) {
      buffer[at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    buffer[at++] = rest;
  };
  const long = (value: number): void => {
    reserve(10);
    varint(value >= 0 ? value * 2 : -value * 2 - 1);
  };

  return {
    get length() {
      return at;
    },
    byte(value) {
      reserve(1);
      buffer[at++] = value;
    },
    long,
    bigLong(value) {
      if (value < SAFE && value > -SAFE) {
        long(Number(value));
        return;
      }
      reserve(10);
      let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
      while (rest >= 128n) {
        buffer[at++] = Number(rest & 127n) | 128;
        rest >>= 7n;
      }
      buffer[at++] = Number(rest);
    },
    double(value) {
      reserve(8);
      view.setFloat64(at, value, true);
      at += 8;
    },
    bytes(value) {
      long(value.length);
      reserve(value.length);
      buffer.set(value, at);
      at += value.length;
    },
    text(value) {
      const size = Buffer.byteLength(value);
      long(size);
      reserve(size);
      buffer.write(value, at, 'utf8');
      at += size;
    },
    take() {
      const taken = Buffer.from(buffer.subarray(0, at));
      at = 0;
      return taken;
    },
  };
}
