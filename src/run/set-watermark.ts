import type { Plan } from '../plan/plan.ts';
import type { Timings } from '../report/timings.ts';
import { applyRun } from '../state/commit.ts';
import { pruneStatement } from '../state/prune.ts';
import { type Context, costOf } from './context.ts';
import type { Loaded } from './full-load.ts';
import { watermarkWarnings } from './watermark-warnings.ts';

/**
 * After the commit, so that a watermark never promises rows that are not there; after a signal as
 * well, so that the rows are not there without it. A watermark that was taken away or set meanwhile
 * stays as it is, with a warning.
 */
export async function applyWatermark(
  context: Context,
  plan: Plan,
  loaded: Loaded,
  tableName: string,
  { seconds }: Timings,
): Promise<void> {
  const { lockedSession, resolved, run, report } = context;
  const { tables, target } = resolved;
  const { watermark } = loaded;
  for (const text of watermarkWarnings(plan, loaded)) report.warn(text);
  const change = { timings: JSON.stringify(seconds), ...costOf(context) };
  const outcome = await lockedSession.finish(async (session) => {
    const applied = { runId: run.id, tableName, watermark, change };
    const answer = await applyRun(session, tables, applied);
    await session.unsafe(pruneStatement(tables, target));
    return answer;
  });
  if (outcome === 'set') return;
  report.warn(
    `the watermark of ${tableName} was changed during this run: it is left as it is, and the next run goes by it`,
  );
}
