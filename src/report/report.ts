import type { Expected, Phase, PhaseName } from './phase.ts';
import type { Summary } from './summary.ts';

/** Facts beside a message, for machines. */
export type Fields = Readonly<Record<string, unknown>>;

/** All that a run shows. Phases may overlap. Nothing that was hidden is ever written. */
export interface Report {
  /** Facts that every line of the log tells from now on; they add to those before, or replace them. */
  identify(facts: Fields): void;
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
