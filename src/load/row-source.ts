import type { HeaderOf } from '../avro/header.ts';
import type { Split } from '../avro/splits.ts';
import type { ObjectStore } from '../google/storage.ts';

/** Bytes of a split: what a lost connection costs at most, and enough for COPY to run at full speed. */
export const SPLIT_BYTES = 64 * 1024 * 1024;

/** Where the rows of the COPY that failed came from. */
export interface RowSource {
  readonly store: ObjectStore;
  readonly headerOf: HeaderOf;
  readonly splits: readonly Split[];
  readonly signal: AbortSignal;
}
