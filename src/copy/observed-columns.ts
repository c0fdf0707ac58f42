import type { Cursor } from './cursor.ts';
import { LongRange, LongSum } from './long-trackers.ts';

/** What an encoder keeps of the longs that pass by, without writing them anywhere. */
export class ObservedColumns {
  readonly #watermarks = new LongRange();
  readonly #leftOut = new LongSum();

  /** What looks at the longs of `column`; undefined: nothing does. */
  of(column: {
    readonly watermark: boolean;
    readonly leftOut: boolean;
  }): ((c: Cursor) => void) | undefined {
    if (column.watermark) return this.#watermarks.see;
    return column.leftOut ? this.#leftOut.see : undefined;
  }

  /** The least watermark so far, in microseconds since 2000-01-01. */
  get minMicros(): bigint | undefined {
    return this.#watermarks.min;
  }

  /** The greatest. */
  get maxMicros(): bigint | undefined {
    return this.#watermarks.max;
  }

  /** Rows of the source that the rows so far replace. */
  get rowsLeftOut(): number {
    return this.#leftOut.value;
  }
}
