import type { Cursor } from './cursor.ts';

/** Below this length a loop beats the call of `set`, which makes an object for the view (measured in bench/NOTES.md). */
const SHORT = 48;

/** Copies `length` bytes from the block to the chunk, which has room for them. */
export function copyBytes(c: Cursor, length: number): void {
  const { bytes, out } = c;
  let from = c.pos;
  let to = c.at;
  c.pos = from + length;
  c.at = to + length;
  if (length > SHORT) {
    out.set(bytes.subarray(from, from + length), to);
    return;
  }
  const end = from + length;
  while (from < end) out[to++] = bytes[from++] as number;
}
