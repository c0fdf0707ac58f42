import { sourceText } from '../google/source-name.ts';
import { laterInstant } from '../instant.ts';
import type { Plan } from '../plan/plan.ts';
import { tableText } from '../postgres/quoting.ts';
import type { Summary } from '../report/summary.ts';
import type { Timings } from '../report/timed.ts';
import type { Context } from './context.ts';
import type { Loaded } from './full-load.ts';
import type { SourceState } from './source-state.ts';

interface Outcome {
  readonly plan: Plan;
  readonly loaded: Loaded;
  readonly bytes: number;
}

/** What the user is told at the end; without an outcome, that nothing was new. */
export function summarize(
  context: Context,
  survey: SourceState,
  timings: Timings,
  outcome?: Outcome,
): Summary {
  const { runId, resolved, source } = context;
  const full = outcome?.plan.mode === 'full';
  const before = full ? undefined : survey.watermark;
  return {
    runId,
    mode: outcome?.plan.mode ?? 'nothing new',
    source: sourceText(source),
    target: tableText(resolved.target),
    window: outcome?.plan.window ?? { low: survey.watermark, high: undefined },
    rows: outcome?.loaded.rows ?? 0,
    bytes: outcome?.bytes ?? 0,
    seconds: timings.seconds,
    watermark: laterInstant(before, outcome?.loaded.watermark) ?? null,
    warnings: timings.warnings,
  };
}
