import type { Context } from './context.ts';
import { tableText } from './identifiers.ts';
import { laterInstant } from './instant.ts';
import type { Loaded } from './load-full.ts';
import type { Plan } from './plan.ts';
import type { Summary } from './report/summary.ts';
import type { Timings } from './report/timed.ts';
import { sourceText } from './source.ts';
import type { Survey } from './survey.ts';

interface Outcome {
  readonly plan: Plan;
  readonly loaded: Loaded;
  readonly bytes: number;
}

/** What the user is told at the end; without an outcome, that nothing was new. */
export function summarize(
  context: Context,
  survey: Survey,
  timings: Timings,
  outcome?: Outcome,
): Summary {
  const { runId, ground, source } = context;
  const full = outcome?.plan.mode === 'full';
  const before = full ? undefined : survey.watermark;
  return {
    runId,
    mode: outcome?.plan.mode ?? 'nothing new',
    source: sourceText(source),
    target: tableText(ground.target),
    window: outcome?.plan.window ?? { low: survey.watermark, high: undefined },
    rows: outcome?.loaded.rows ?? 0,
    bytes: outcome?.bytes ?? 0,
    seconds: timings.seconds,
    watermark: laterInstant(before, outcome?.loaded.watermark) ?? null,
    warnings: timings.warnings,
  };
}
