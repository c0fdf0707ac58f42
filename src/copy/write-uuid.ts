import { copyBytes } from './copy-bytes.ts';
import { type Cursor, readLength } from './cursor.ts';
import { InvalidValueError } from './row-error.ts';

/** Sixteen bytes as they are. */
export function writeBytesAsUuid(c: Cursor): void {
  const length = readLength(c);
  if (length !== 16) {
    throw new InvalidValueError('a uuid has 16 bytes', c.bytes.slice(c.pos, c.pos + length));
  }
  c.outView.setInt32(c.at, 16);
  c.at += 4;
  copyBytes(c, 16);
}

/** As uuid_in reads it: braces around all, a hyphen behind any four digits but the last. */
export function writeUuid(c: Cursor): void {
  const length = readLength(c);
  const { bytes, out } = c;
  const end = c.pos + length;
  const braces = bytes[c.pos] === 0x7b && bytes[end - 1] === 0x7d ? 1 : 0;
  let at = c.at + 4;
  let digits = 0;
  let byte = 0;
  for (let i = c.pos + braces; i < end - braces; i += 1) {
    const code = bytes[i] as number;
    const hyphen = code === 0x2d && bytes[i - 1] !== 0x2d;
    if (hyphen && digits % 4 === 0 && digits > 0 && digits < 32) continue;
    const digit = hexDigit(code);
    if (digit < 0 || digits === 32) throw badUuid(c, length);
    byte = (byte << 4) | digit;
    digits += 1;
    if ((digits & 1) === 0) {
      out[at++] = byte;
      byte = 0;
    }
  }
  if (digits !== 32) throw badUuid(c, length);
  c.outView.setInt32(c.at, 16);
  c.pos = end;
  c.at += 20;
}

function badUuid(c: Cursor, length: number): InvalidValueError {
  const text = Buffer.from(c.bytes.subarray(c.pos, c.pos + length)).toString();
  return new InvalidValueError('not a uuid', text);
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
