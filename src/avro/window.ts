/**
 * The bytes of a stream that were read but not yet used. Chunks stay as they came: only what lies
 * across two of them is copied, once.
 */
export interface Window {
  /** Bytes that are here. */
  readonly length: number;
  /** Reads until `count` bytes are here; false where the stream ends before. */
  fill(count: number): Promise<boolean>;
  /** At most `count` bytes from `offset` on, without using them up; fewer where fewer are here. */
  peek(offset: number, count: number): Buffer;
  /** Uses up `count` bytes that are here. */
  take(count: number): Buffer;
  /** Where `pattern` starts among the bytes that are here; -1 where it does not. */
  indexOf(pattern: Buffer): number;
}

export function openWindow(pull: () => Promise<Buffer | undefined>): Window {
  let chunks: Buffer[] = [];
  let length = 0;

  function copy(offset: number, count: number): Buffer {
    const pieces: Buffer[] = [];
    let [from, wanted] = [offset, count];
    for (const chunk of chunks) {
      if (wanted <= 0) break;
      if (from < chunk.length) {
        const piece = chunk.subarray(from, from + wanted);
        pieces.push(piece);
        wanted -= piece.length;
      }
      from = Math.max(0, from - chunk.length);
    }
    const [only] = pieces;
    return only !== undefined && pieces.length === 1 ? only : Buffer.concat(pieces);
  }

  function drop(count: number): void {
    let [used, rest] = [0, count];
    for (const chunk of chunks) {
      if (chunk.length > rest) break;
      rest -= chunk.length;
      used++;
    }
    if (used > 0) chunks = chunks.slice(used);
    const [first] = chunks;
    if (rest > 0 && first !== undefined) chunks[0] = first.subarray(rest);
    length -= count;
  }

  return {
    get length() {
      return length;
    },
    async fill(count) {
      while (length < count) {
        const chunk = await pull();
        if (chunk === undefined) return false;
        if (chunk.length > 0) chunks.push(chunk);
        length += chunk.length;
      }
      return true;
    },
    peek: copy,
    take(count) {
      const bytes = copy(0, count);
      drop(count);
      return bytes;
    },
    indexOf(pattern) {
      if (chunks.length > 1) chunks = [Buffer.concat(chunks)];
      return chunks[0]?.indexOf(pattern) ?? -1;
    },
  };
}
