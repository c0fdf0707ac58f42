import { messageOf } from '../errors.ts';
import type { FullLoadPlan } from '../plan/plan.ts';
import type { Session } from '../postgres/pool.ts';
import { quoteLiteral, quoteTable, type TableName } from '../postgres/quoting.ts';
import { isPassing } from '../postgres/server-errors.ts';
import { inTransaction } from '../postgres/transactions.ts';
import { retry } from '../retry.ts';
import { commitRun, type FoundWatermark } from '../state/commit.ts';
import { readRun } from '../state/ledger.ts';
import { analyzeTree } from '../swap/analyze-tree.ts';
import { finishStaging } from '../swap/build/finish-staging.ts';
import { addFirstKey } from '../swap/build/first-primary-key.ts';
import { stagingStatements } from '../swap/build/staging.ts';
import { tellOfHolders } from '../swap/lock-holders.ts';
import type { LockWait } from '../swap/lock-retry.ts';
import { swap } from '../swap/swap.ts';
import type { Context } from './context.ts';
import type { Loaded } from './full-load.ts';
import { connectionWarning } from './locked-session.ts';
import { requireSameWatermark } from './prove-plan.ts';
import { requireAllMarks } from './staging-rows.ts';

/** Makes the staging table, unless a run that this one resumes has made it. */
export async function createStaging(
  { lockedSession }: Context,
  { target, staging, dependents, added }: FullLoadPlan,
): Promise<void> {
  const statements = stagingStatements({ target, staging, dependents, added });
  await lockedSession.run(async (session) => {
    const place = quoteLiteral(quoteTable(staging));
    const [found] = await session.unsafe(`SELECT to_regclass(${place}) IS NOT NULL AS there`);
    if (found?.['there'] === true) return;
    await session.unsafe(['BEGIN', ...statements, 'COMMIT'].join(';\n'));
  });
}

/** Indexes, constraints and statistics, on rows that nobody sees yet; what is made stays made. */
export async function buildIndexes(context: Context, plan: FullLoadPlan): Promise<void> {
  const { sql, report, signal } = context;
  const phase = report.phase('indexes', { total: 100, unit: '%' });
  const { target, staging, dependents } = plan;
  const onWait = (error: unknown) => report.warn(connectionWarning(error));
  const onProgress = (_part: unknown, percent: number) => phase.advance(percent);
  const build = async () => {
    if (dependents === undefined) await addFirstKey(sql, { ...plan, signal });
    const building = { target, staging, dependents, signal, warn: report.warn };
    await finishStaging(sql, building, onProgress);
  };
  await retry(build, { signal, isRetryable: isPassing, onWait });
  phase.advance(100);
  phase.finish();
}

/**
 * Puts staging in the target's place and marks the run committed, in one transaction, which proves
 * first that nothing has changed of what the plan was made from, and that staging holds the export.
 * Answers about how many rows the target had before, where that is known.
 */
export async function swapIn(
  context: Context,
  plan: FullLoadPlan,
  loaded: Loaded,
  found: FoundWatermark,
): Promise<number | undefined> {
  const phase = context.report.phase('swap');
  const rowsBefore = await context.lockedSession.run(async (session) => {
    const before = await readRun(session, context.resolved.tables, context.run.id);
    if (before?.status === 'committed' || before?.status === 'applied') return undefined;
    return await inTransaction(session, context.signal, () =>
      swapInside(session, context, plan, loaded, found),
    );
  });
  await analyze(context, plan);
  phase.finish();
  return rowsBefore;
}

/** The rows are there by now: that their statistics could not be gathered is no failure. */
async function analyze({ sql, signal, report }: Context, plan: FullLoadPlan): Promise<void> {
  await analyzeTree(sql, plan.dependents, signal).catch((error: unknown) => {
    if (signal.aborted) return;
    const table = quoteTable(plan.target);
    report.warn(`could not analyze ${table}: ${messageOf(error)}; run ANALYZE ${table};`);
  });
}

async function swapInside(
  session: Session,
  context: Context,
  plan: FullLoadPlan,
  loaded: Loaded,
  found: FoundWatermark,
): Promise<number | undefined> {
  const { resolved, report, signal, run } = context;
  await requireAllMarks(session, context, plan, loaded);
  await requireSameWatermark(session, context, found);
  const rowsBefore = await rowsOfTarget(session, plan);
  const { target, staging, dependents, added } = plan;
  const tell = tellOfHolders(session, report.warn);
  const onWait = (wait: LockWait) => tell(wait, [target, ...(dependents?.locks ?? [])]);
  const { lockHeldMs, reasons } = await swap(
    session,
    { target, staging, dependents, added },
    { signal, onWait },
  );
  const targetOid = await oidOf(session, target);
  const committed = { ...loaded, rowsBefore, targetOid };
  await commitRun(session, resolved.tables, run.id, committed, found);
  const why = reasons.length === 0 ? '' : `: ${reasons.join(', ')}`;
  report.info(`the swap held its locks for ${Math.ceil(lockHeldMs)} ms${why}`, { reasons });
  return rowsBefore;
}

async function oidOf(session: Session, table: TableName): Promise<number> {
  const [row] = await session.unsafe<{ oid: string }[]>(
    `SELECT ${quoteLiteral(quoteTable(table))}::regclass::oid::text AS oid`,
  );
  return Number(row?.oid);
}

/** About how many rows the target had, by its statistics; undefined: not known. */
async function rowsOfTarget(session: Session, plan: FullLoadPlan): Promise<number | undefined> {
  if (plan.table === undefined) return undefined;
  const [row] = await session.unsafe<{ rows: number | null }[]>(
    `SELECT sum(reltuples)::float8 AS rows FROM pg_class
     WHERE oid = ${plan.table.oid} AND relkind <> 'p'
       OR oid IN (SELECT relid FROM pg_partition_tree(${plan.table.oid}) WHERE isleaf)`,
  );
  return row === undefined || row.rows === null || row.rows < 0 ? undefined : Math.round(row.rows);
}
