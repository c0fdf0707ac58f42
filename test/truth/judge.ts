import type { Outcome } from '../scenarios/fixture.ts';
import type { Disturbed } from './disturb.ts';
import { afterFailure, afterRunDuring, type SourceName, type State } from './model.ts';
import { differences, matching, type Observed } from './observe.ts';
import { REMEDIES } from './remedies.ts';
import { errorOf } from './truth-fixture.ts';

/** A run that has come to its end. */
export interface EndedRun {
  readonly outcome: Outcome;
  readonly from: SourceName;
  /** undefined: nothing was to happen to it. */
  readonly disturbed: Disturbed | undefined;
}

/**
 * The states that the world may be in after a run, by the model and by what was observed. Throws where
 * there is none: the run has left what it may not; and for an error that nothing explains.
 */
export function judge(before: readonly State[], run: EndedRun, seen: Observed): readonly State[] {
  const { outcome, from, disturbed } = run;
  const { change = [], hidesEnd = false, robs = false } = disturbed ?? {};
  const allowed = before.flatMap((state) =>
    outcome.exitCode === 0
      ? afterRunDuring(state, change, from)
      : afterFailure(state, change, from, !hidesEnd && !robs),
  );
  const after = matching(allowed, seen);
  if (after.length > 0 && isExplained(run)) return after;
  throw new Error(
    [
      `${endOf(outcome)}${isExplained(run) ? '' : ', which nothing explains'}. Expected one of`,
      ...differences(allowed, seen),
      'Before:',
      ...differences(before, seen),
      outcome.text,
    ].join('\n'),
  );
}

/** Without a disturbance, a run may only refuse what its user has to decide. */
function isExplained({ outcome, disturbed }: EndedRun): boolean {
  if (outcome.exitCode === 0) return true;
  const remedy = REMEDIES[codeOf(outcome)];
  if (disturbed === undefined) return remedy !== undefined && remedy.length > 0;
  return remedy !== undefined || outcome.exitCode > 128;
}

/** How a run ended, in a word. */
export function endOf(outcome: Outcome): string {
  return outcome.exitCode === 0 ? 'well' : codeOf(outcome);
}

/** The code of the error that a run ended with. */
export function codeOf(outcome: Outcome): keyof typeof REMEDIES {
  return (errorOf(outcome)?.['code'] ?? `exit code ${outcome.exitCode}`) as keyof typeof REMEDIES;
}
