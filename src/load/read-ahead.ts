import type { BlockReader } from '../avro/blocks.ts';
import type { Split } from '../avro/splits.ts';

/** Requests that are open ahead at most. */
export const MOST_AHEAD = 8;

/** One large split is enough ahead; of small ones as many as together keep the line busy. */
const ENOUGH_BYTES = 8 * 1024 * 1024;

/**
 * Opens splits before they are wanted: the first byte of an object takes a while to come, and a load
 * should not wait for it. What is opened is shared by all streams.
 */
export interface ReadAhead {
  /** The blocks of a split, opened ahead or now. */
  take(split: Split): BlockReader;
  /** Opens the splits that come next, in this order, as far as it is worth it. */
  open(next: readonly Split[]): void;
  /** Closes what nobody took. */
  close(): void;
}

export function readAhead(read: (split: Split) => BlockReader): ReadAhead {
  const opened = new Map<string, { readonly reader: BlockReader; readonly bytes: number }>();

  function bytesAhead(): number {
    return opened.values().reduce((sum, { bytes }) => sum + bytes, 0);
  }

  return {
    take(split) {
      const reader = opened.get(split.id)?.reader ?? read(split);
      opened.delete(split.id);
      return reader;
    },
    open(next) {
      for (const split of next) {
        if (opened.size >= MOST_AHEAD || bytesAhead() >= ENOUGH_BYTES) return;
        if (opened.has(split.id)) continue;
        opened.set(split.id, { reader: read(split), bytes: split.end - split.start });
      }
    },
    close() {
      for (const { reader } of opened.values()) reader.close().catch(() => undefined);
      opened.clear();
    },
  };
}
