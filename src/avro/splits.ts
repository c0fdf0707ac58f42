import type { ObjectInfo } from '../clients/storage.ts';

/**
 * A range of an object's bytes. It owns the blocks whose first byte (the one after the header or
 * after the preceding sync marker) lies in [start, end); the splits of an object cover it without
 * gap or overlap.
 */
export interface Split {
  /** The same in every run for the same object, generation and range. */
  readonly id: string;
  readonly object: ObjectInfo;
  readonly start: number;
  readonly end: number;
}

/** The splits of all objects, in order, each of about `splitBytes`. */
export function planSplits(objects: readonly ObjectInfo[], splitBytes: number): readonly Split[] {
  throw new Error(`not written yet ${objects} ${splitBytes}`);
}
