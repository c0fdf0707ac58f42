import { expect, test } from 'bun:test';
import { Storage } from '@google-cloud/storage';
import fc from 'fast-check';
import { combineCrc32c, crc32c, parseCrc32c } from '../../src/avro/crc32c.ts';

test('CRC32C of known inputs is as RFC 3720 gives it', () => {
  const ascending = Buffer.from(Array.from({ length: 32 }, (_, i) => i));
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
  expect(crc32c(Buffer.alloc(32, 255))).toBe(0x62a8ab43);
  expect(crc32c(ascending)).toBe(0x46dd794e);
});

test("CRC32C is that of Google's client for any bytes at any alignment", () => {
  const storage = new Storage({ projectId: 'p' });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(7), (bytes, offset) => {
      const google = storage.crc32cGenerator();
      google.update(Buffer.from(bytes));
      const shifted = Buffer.alloc(bytes.length + offset);
      shifted.set(bytes, offset);
      expect(crc32c(shifted.subarray(offset))).toBe(parseCrc32c(google.toString()));
    }),
  );
});

test('the CRCs of two pieces combine to that of the whole, and a seed goes on', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 300 }), (a, b) => {
      const whole = crc32c(Buffer.concat([a, b]));
      expect(combineCrc32c(crc32c(a), crc32c(b), b.length)).toBe(whole);
      expect(crc32c(b, crc32c(a))).toBe(whole);
    }),
  );
});

test('CRCs combine over lengths beyond 32 bits', () => {
  const zeros = (length: number): number => {
    if (length === 1) return crc32c(Buffer.alloc(1));
    const half = zeros(length / 2);
    return combineCrc32c(half, half, length / 2);
  };
  const long = 2 ** 33;
  const tail = crc32c(Buffer.from('tail'));
  const left = combineCrc32c(combineCrc32c(tail, zeros(long), long), tail, 4);
  const right = combineCrc32c(tail, combineCrc32c(zeros(long), tail, 4), long + 4);
  expect(left).toBe(right);
});

test('what is no CRC32C in base64 is not a number', () => {
  expect(parseCrc32c('4waSgw==')).toBe(0xe3069283);
  expect(parseCrc32c('')).toBeNaN();
  expect(parseCrc32c('4waS')).toBeNaN();
});
