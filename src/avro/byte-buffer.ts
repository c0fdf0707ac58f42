/**
 * The bytes of a stream that were read but not yet used. Chunks stay as they came: only what lies
 * across two of them is copied, once. The buffer owns its chunks and frees them once they are consumed.
 */
export class ByteBuffer {
  readonly #pull: (reach: number) => Promise<Buffer | undefined>;
  #chunks: Chunk[] = [];
  #consumed: Buffer[] = [];
  #position: number;
  #length = 0;

  /**
   * `position` is that of the stream's first byte. `pull(reach)` gives the next chunk, undefined at the
   * end; bytes are needed up to the position `reach` at least.
   */
  constructor(position: number, pull: (reach: number) => Promise<Buffer | undefined>) {
    this.#position = position;
    this.#pull = pull;
  }

  /** The position in the stream of the first byte that is not used up. */
  get position(): number {
    return this.#position;
  }

  /** Bytes that are here. */
  get length(): number {
    return this.#length;
  }

  /** Reads until `count` bytes are here; false where the stream ends before. Ends what `take` gave. */
  async fill(count: number): Promise<boolean> {
    for (const chunk of this.#consumed) release(chunk);
    this.#consumed = [];
    while (this.#length < count) {
      const chunk = await this.#pull(this.#position + count);
      if (chunk === undefined) return false;
      if (chunk.length > 0) this.#chunks.push({ whole: chunk, rest: chunk });
      this.#length += chunk.length;
    }
    return true;
  }

  /** At most `count` bytes from `offset` on, without using them up; fewer where fewer are here. */
  peek(offset: number, count: number): Buffer {
    const pieces: Buffer[] = [];
    let [from, wanted] = [offset, count];
    for (const { rest } of this.#chunks) {
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

  /** Uses up `count` bytes that are here; what it gives holds until `fill` is called again. */
  take(count: number): Buffer {
    const bytes = this.peek(0, count);
    this.skip(count);
    return bytes;
  }

  /** Uses up `count` bytes that are here. */
  skip(count: number): void {
    this.#position += count;
    this.#length -= count;
    let [used, left] = [0, count];
    for (const { whole, rest } of this.#chunks) {
      if (rest.length > left) break;
      left -= rest.length;
      used++;
      this.#consumed.push(whole);
    }
    if (used > 0) this.#chunks.splice(0, used);
    const [first] = this.#chunks;
    if (left > 0 && first !== undefined) first.rest = first.rest.subarray(left);
  }

  /** Where `pattern` starts among the bytes that are here; -1 where it does not. */
  indexOf(pattern: Buffer): number {
    if (this.#chunks.length > 1) {
      const whole = Buffer.concat(this.#chunks.map(({ rest }) => rest));
      this.#consumed.push(...this.#chunks.map((chunk) => chunk.whole));
      this.#chunks = [{ whole, rest: whole }];
    }
    return this.#chunks[0]?.rest.indexOf(pattern) ?? -1;
  }
}

interface Chunk {
  readonly whole: Buffer;
  /** What is not used up of it. */
  rest: Buffer;
}

/**
 * Gives a chunk's memory back now. Left to the garbage collector, which does not see the bytes
 * behind an ArrayBuffer as pressing, used chunks were a quarter of what the process held.
 */
function release({ buffer, length }: Buffer): void {
  const isOwn = buffer instanceof ArrayBuffer && buffer.byteLength === length;
  if (isOwn && !buffer.detached) buffer.transfer(0);
}
