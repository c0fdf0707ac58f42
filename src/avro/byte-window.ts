/**
 * The bytes of a stream that were read but not yet used. Chunks stay as they came: only what lies
 * across two of them is copied, once. They are the window's own, and gone after their use.
 */
export interface Window {
  /** Bytes that are here. */
  readonly length: number;
  /** Reads until `count` bytes are here; false where the stream ends before. Ends what `take` gave. */
  fill(count: number): Promise<boolean>;
  /** At most `count` bytes from `offset` on, without using them up; fewer where fewer are here. */
  peek(offset: number, count: number): Buffer;
  /** Uses up `count` bytes that are here; what it gives holds until `fill` is called again. */
  take(count: number): Buffer;
  /** Where `pattern` starts among the bytes that are here; -1 where it does not. */
  indexOf(pattern: Buffer): number;
}

interface Chunk {
  readonly whole: Buffer;
  /** What is not used up of it. */
  rest: Buffer;
}

/** A window on the chunks that `pull` gives until it gives undefined. */
export function openWindow(pull: () => Promise<Buffer | undefined>): Window {
  let chunks: Chunk[] = [];
  let spent: Chunk[] = [];
  let length = 0;

  function copy(offset: number, count: number): Buffer {
    const pieces: Buffer[] = [];
    let [from, wanted] = [offset, count];
    for (const { rest } of chunks) {
      if (wanted <= 0) break;
      if (from < rest.length) {
        const piece = rest.subarray(from, from + wanted);
        pieces.push(piece);
        wanted -= piece.length;
      }
      from = Math.max(0, from - rest.length);
    }
    const [only] = pieces;
    return only !== undefined && pieces.length === 1 ? only : Buffer.concat(pieces);
  }

  function drop(count: number): void {
    let [used, left] = [0, count];
    for (const { rest } of chunks) {
      if (rest.length > left) break;
      left -= rest.length;
      used++;
    }
    if (used > 0) spent.push(...chunks.splice(0, used));
    const [first] = chunks;
    if (left > 0 && first !== undefined) first.rest = first.rest.subarray(left);
    length -= count;
  }

  return {
    get length() {
      return length;
    },
    async fill(count) {
      for (const { whole } of spent) release(whole);
      spent = [];
      while (length < count) {
        const chunk = await pull();
        if (chunk === undefined) return false;
        if (chunk.length > 0) chunks.push({ whole: chunk, rest: chunk });
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
      if (chunks.length > 1) {
        const whole = Buffer.concat(chunks.map(({ rest }) => rest));
        spent.push(...chunks);
        chunks = [{ whole, rest: whole }];
      }
      return chunks[0]?.rest.indexOf(pattern) ?? -1;
    },
  };
}

/**
 * Gives a chunk's memory back now. Left to the garbage collector, which does not see the bytes
 * behind an ArrayBuffer as pressing, used chunks were a quarter of what the process held.
 */
function release({ buffer, length }: Buffer): void {
  const isOwn = buffer instanceof ArrayBuffer && buffer.byteLength === length;
  if (isOwn && !buffer.detached) buffer.transfer(0);
}
