import type { Cursor } from './cursor.ts';

/**
 * From this length on, `set` is faster. Below it, its call and the view that it needs cost more than
 * a loop by words (bench/NOTES.md).
 */
const LONG = 256;

/** Copies `length` bytes from the block to the chunk, which has room for them. */
export function copyBytes(c: Cursor, length: number): void {
  let from = c.pos;
  let to = c.at;
  c.pos = from + length;
  c.at = to + length;
  if (length >= LONG) {
    c.out.set(c.bytes.subarray(from, from + length), to);
    return;
  }
  const { view, outView, bytes, out } = c;
  const end = from + length;
  for (const lastWord = end - 3; from < lastWord; from += 4, to += 4) {
    outView.setInt32(to, view.getInt32(from));
  }
  while (from < end) out[to++] = bytes[from++] as number;
}
