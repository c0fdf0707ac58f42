import type { Block } from '../avro/block-parser.ts';
import type { CopyStream } from '../postgres/copy-stream.ts';
import type { Encoder } from './encoder.ts';
import { MalformedBlockError } from './row-error.ts';

/** Bytes of one chunk of COPY data: large enough to spare calls, small enough to stay in the cache. */
export const CHUNK_BYTES = 512 * 1024;

/** A chunk that a huge row has blown up beyond this is let go after it is written. */
const KEEP_BYTES = 4 * CHUNK_BYTES;

/**
 * Encodes blocks and writes them to a COPY, one chunk being filled while the one before is on its
 * way: two chunks are all the memory there is, however slow the server. Throws what the encoder
 * throws, with `row` counted from the first row of this pump.
 */
export interface Pump {
  /** Resolves when all rows of the block are encoded; the last of them may not be written yet. */
  push(block: Block): Promise<void>;
  /** Writes what is left. The COPY itself is the caller's to finish. */
  flush(): Promise<void>;
  readonly rows: number;
}

export function createPump(encoder: Encoder, copy: CopyStream): Pump {
  const { cursor } = encoder;
  let spare: Uint8Array = new Uint8Array(cursor.out.length);
  let writing: Promise<void> = Promise.resolve();
  let rows = 0;

  async function send(): Promise<void> {
    await writing;
    const full = cursor.out;
    writing = copy.write(full.subarray(0, cursor.at));
    // Looked at by the next `await writing`; until then it must not count as unhandled.
    writing.catch(() => undefined);
    cursor.writeInto(spare, 0);
    spare = full.length > KEEP_BYTES ? new Uint8Array(CHUNK_BYTES) : full;
  }

  function encode(left: number): number {
    try {
      return encoder.encodeRows(cursor, left, CHUNK_BYTES);
    } catch (error) {
      const place = error as { row?: number };
      if (place.row !== undefined) place.row += rows;
      throw error;
    }
  }

  cursor.at = 0;
  append(encoder.header);
  function append(bytes: Uint8Array): void {
    cursor.ensure(bytes.length);
    cursor.out.set(bytes, cursor.at);
    cursor.at += bytes.length;
  }

  return {
    async push(block) {
      cursor.read(block.bytes);
      for (let left = block.rows; left > 0; ) {
        const done = encode(left);
        rows += done;
        left -= done;
        if (cursor.at >= CHUNK_BYTES) await send();
      }
      if (cursor.pos !== cursor.end)
        throw new MalformedBlockError('a block has bytes left after its last row');
    },
    async flush() {
      append(encoder.trailer);
      await send();
      await writing;
    },
    get rows() {
      return rows;
    },
  };
}
