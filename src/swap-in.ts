import type { Context } from './context.ts';
import { quoteLiteral, quoteTable, type TableName } from './identifiers.ts';
import type { Loaded } from './load-full.ts';
import type { Plan } from './plan.ts';
import { statusOfRun, updateRun } from './state/ledger.ts';
import { dressStaging } from './swap/dress.ts';
import { stagingStatements } from './swap/staging.ts';
import { swap } from './swap/swap.ts';

/** Makes the staging table, unless a run that this one goes on with has made it. */
export async function createStaging(
  { control }: Context,
  plan: Plan,
  staging: TableName,
): Promise<void> {
  await control.run(async (session) => {
    const place = quoteLiteral(quoteTable(staging));
    const [found] = await session.unsafe(`SELECT to_regclass(${place}) IS NOT NULL AS there`);
    if (found?.['there'] === true) return;
    const statements = stagingStatements(plan.dependents, staging, plan.added);
    try {
      await session.unsafe(['BEGIN', ...statements, 'COMMIT'].join(';\n'));
    } catch (error) {
      await session.unsafe('ROLLBACK').catch(() => undefined);
      throw error;
    }
  });
}

/** Indexes, constraints and statistics, on rows that nobody sees yet. */
export async function dress(context: Context, plan: Plan, staging: TableName): Promise<void> {
  const { sql, report, signal } = context;
  const phase = report.phase('indexes', { total: 100, unit: '%' });
  const { dependents } = plan;
  await dressStaging(sql, { staging, dependents, signal }, (progress) =>
    phase.advance(Math.floor((100 * progress.done) / Math.max(1, progress.total))),
  );
  phase.finish();
}

/** Puts staging in the target's place and marks the run committed, in one transaction. */
export async function swapIn(
  context: Context,
  plan: Plan,
  staging: TableName,
  loaded: Loaded,
): Promise<void> {
  const { control, ground, report, signal } = context;
  const phase = report.phase('swap');
  const { target, dependents, added } = plan;
  await control.run(async (session) => {
    if ((await statusOfRun(session, ground.tables, plan.runId)) === 'committed') return;
    await session.unsafe('BEGIN');
    try {
      const onWait = ({ tries }: { tries: number }) =>
        report.info('other sessions hold the target: trying again for the swap', { tries });
      const swapped = await swap(
        session,
        { target, staging, dependents, added },
        { signal, onWait },
      );
      await session.unsafe(
        updateRun(ground.tables, plan.runId, {
          status: 'committed',
          rows: loaded.rows,
          ...(loaded.watermark !== undefined && { watermark: loaded.watermark }),
        }),
      );
      signal.throwIfAborted();
      await session.unsafe('COMMIT');
      const { lockHeldMs, reasons } = swapped;
      report.info(`the swap held its locks for ${Math.ceil(lockHeldMs)} ms`, { reasons });
    } catch (error) {
      await session.unsafe('ROLLBACK').catch(() => undefined);
      throw error;
    }
  });
  phase.finish();
}
