import type { Summary } from './summary.ts';

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

/** Facts beside a message, for machines. */
export type Fields = Readonly<Record<string, unknown>>;

/** All that a run shows. Phases may overlap. Nothing that was hidden is ever written. */
export interface Report {
  phase(name: PhaseName, expected?: Expected): Phase;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  /** Tells of anything thrown: what happened, what to do next, the causes. */
  error(error: unknown): void;
  summary(summary: Summary): void;
  /** From now on `secret` is masked in whatever is written: the last safety net, not the first. */
  hide(secret: string): void;
  /** Ends all phases that are still open, without a word on them. */
  close(): void;
}
