/** The steps of a run that take time, in the words that users read. */
export type PhaseName = 'export' | 'load' | 'indexes' | 'swap' | 'clean up';

/** What a phase is expected to come to; without a total, only that it moves is shown. */
export interface Expected {
  readonly total?: number;
  /** What `done` counts, in the plural: `rows`, `shards`, `objects`. */
  readonly unit?: string;
}

/** Totals since the phase began, not differences. */
export interface Progress {
  readonly rows?: number;
  readonly bytes?: number;
}

/** A step under way. */
export interface Phase {
  /** Sets how much is done so far, in the phase's unit. Cheap enough to be called for each chunk. */
  advance(done: number, also?: Progress): void;
  /** Ends the phase; a second call does nothing. */
  finish(): void;
}
