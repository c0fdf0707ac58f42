import { sourceText } from '../google/source-name.ts';
import { laterInstant } from '../instant.ts';
import type { Plan } from '../plan/plan.ts';
import { tableText } from '../postgres/quoting.ts';
import type { Summary } from '../report/summary.ts';
import type { Timings } from '../report/timings.ts';
import type { Context } from './context.ts';
import type { Loaded } from './full-load.ts';
import type { SourceState } from './source-state.ts';

/** What a transfer came to. */
export interface Outcome {
  readonly plan: Plan;
  readonly loaded: Loaded;
  readonly bytes: number;
}

/** What the user is told at the end; without outcomes, that nothing was new. */
export function summarize(
  context: Context,
  state: SourceState,
  timings: Timings,
  outcomes: readonly Outcome[],
): Summary {
  const { run, resolved, source, bigquery } = context;
  const [first] = outcomes;
  const sum = (of: (outcome: Outcome) => number) =>
    outcomes.reduce((total, outcome) => total + of(outcome), 0);
  const watermarks = outcomes.map(({ loaded }) => loaded.watermark);
  const before = first?.plan.mode === 'full' ? undefined : state.watermark;
  const leftOut = sum(({ loaded }) => loaded.rowsLeftOut ?? 0);
  return {
    runId: run.id,
    mode: first?.plan.mode ?? 'nothing new',
    source: sourceText(source),
    target: tableText(resolved.target),
    since: first === undefined ? state.watermark : first.plan.low,
    rows: sum(({ loaded }) => loaded.rows),
    ...(first?.plan.key !== undefined && { rowsLeftOut: leftOut }),
    ...targetRows(outcomes),
    bytes: sum(({ bytes }) => bytes),
    ...bigquery.cost,
    ...context.bigquery.cost,
    seconds: timings.seconds,
    watermark: watermarks.reduce(laterInstant, before) ?? null,
    warnings: timings.warnings,
  };
}

/** Of a full load: how many rows went, and how many came. */
function targetRows(outcomes: readonly Outcome[]): Pick<Summary, 'rowsBefore' | 'rowsAfter'> {
  const [full] = outcomes;
  const before = full?.loaded.rowsBefore;
  if (full?.plan.mode !== 'full' || before === undefined) return {};
  return { rowsBefore: before, rowsAfter: full.loaded.rows };
}
