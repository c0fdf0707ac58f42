import { planSplits } from '../avro/splits.ts';
import { instantOfPostgresMicros } from '../instant.ts';
import { copySplits } from '../load/copy-splits.ts';
import { openExport } from '../load/open-export.ts';
import { SPLIT_BYTES } from '../load/row-source.ts';
import type { IncrementPlan } from '../plan/plan.ts';
import type { Session } from '../postgres/pool.ts';
import { inTransaction } from '../postgres/transactions.ts';
import { commitRun, type FoundWatermark } from '../state/commit.ts';
import { readRun } from '../state/ledger.ts';
import { LOCK_PATIENCE_MS, lockTimeout } from '../swap/lock-retry.ts';
import { alterTarget } from './alter-target.ts';
import { checkLoaded } from './check-loaded.ts';
import type { Context } from './context.ts';
import type { Exported } from './export.ts';
import type { Loaded } from './full-load.ts';
import { requireSameTable, requireSameWatermark } from './prove-plan.ts';
import { explainCopyError } from './row-errors/explain.ts';
import { sourceRebuilt } from './run-refusals.ts';
import { watchLocks } from './watch-locks.ts';
import { requireAllCopied, writeRows } from './write-rows.ts';

/**
 * Loads the export into the target in one transaction: the proof of the plan, the rows, the upsert
 * where there is a key, the ledger's mark. It runs on the session that holds the lock; when that is
 * lost, the ledger tells whether the COMMIT went through, and otherwise all is done again.
 */
export async function loadIncrement(
  context: Context,
  plan: IncrementPlan,
  exported: Exported,
  found: FoundWatermark,
): Promise<Loaded> {
  const { lockedSession, report } = context;
  const phase = report.phase('load', { total: exported.rows, unit: 'rows' });
  const onRows = (rows: number) => phase.advance(rows, { rows });
  const loaded = await lockedSession.run(async (session) => {
    const before = await alreadyCommitted(session, context);
    if (before !== undefined) return before;
    // A column that stays behind from a run that then fails is harmless.
    await alterTarget(session, context, plan.table, plan.addColumns);
    return await watchLocks(session, context, () =>
      inTransaction(session, context.signal, () =>
        loadInside(session, context, plan, { exported, found, onRows }),
      ),
    );
  });
  phase.finish();
  return loaded;
}

/** What an earlier try committed, if it did; another run may even have set its watermark. */
async function alreadyCommitted(
  session: Session,
  { resolved, run }: Context,
): Promise<Loaded | undefined> {
  const row = await readRun(session, resolved.tables, run.id);
  if (row?.status !== 'committed' && row?.status !== 'applied') return undefined;
  const { rows, watermark, rowsLeftOut } = row;
  return { rows, watermark, rowsLeftOut, inPieces: false };
}

interface Part {
  readonly exported: Exported;
  readonly found: FoundWatermark;
  readonly onRows: (rows: number) => void;
}

async function loadInside(
  session: Session,
  context: Context,
  plan: IncrementPlan,
  { exported, found, onRows }: Part,
): Promise<Loaded> {
  await requireSameTable(session, context, plan);
  await session.unsafe(lockTimeout(LOCK_PATIENCE_MS));
  for (const statement of plan.createTempTable) await session.unsafe(statement);
  const loaded = await copyAll(context, plan, exported, session, onRows);
  await writeRows(session, plan, loaded.rows);
  await requireSameWatermark(session, context, found);
  const committed = { ...loaded, targetOid: plan.table.oid };
  await commitRun(session, context.resolved.tables, context.run.id, committed, found);
  return loaded;
}

async function copyAll(
  context: Context,
  plan: IncrementPlan,
  exported: Exported,
  session: Session,
  onProgress: (rows: number) => void,
): Promise<Loaded> {
  const splits = planSplits(exported.objects, SPLIT_BYTES);
  using reading = openExport(plan, await context.store(), splits, context.signal);
  const encoder = await reading.encoder();
  const job = { ...reading, statement: plan.copy, encoder, next: () => [], onProgress };
  const copied = await copySplits(session, job).catch(explainCopyError(plan, job));
  await requireAllCopied(session, plan, copied);
  await checkLoaded(plan, exported, copied, reading.headerOf);
  const { minMicros, maxMicros, rowsLeftOut } = encoder.observed;
  requireCountedRows(context, plan, { rows: copied.rows, rowsLeftOut, oldest: minMicros });
  return {
    rows: copied.rows,
    watermark: maxMicros === undefined ? undefined : instantOfPostgresMicros(maxMicros),
    rowsLeftOut: plan.key === undefined ? undefined : rowsLeftOut,
    inPieces: false,
  };
}

/**
 * Of the rows that were counted, the export has some, or they are no longer there. Where newer rows of
 * the same keys have replaced others, the counted ones may be among those: they were there.
 */
function requireCountedRows(
  context: Context,
  { counted }: IncrementPlan,
  found: {
    readonly rows: number;
    readonly rowsLeftOut: number;
    readonly oldest: bigint | undefined;
  },
): void {
  const { rows, rowsLeftOut, oldest } = found;
  if (counted.rows === 0 || counted.newest === undefined || rowsLeftOut > 0) return;
  if (rows === 0) throw sourceRebuilt(context, 'none of them when they were exported');
  if (oldest === undefined || instantOfPostgresMicros(oldest) <= counted.newest) return;
  throw sourceRebuilt(context, 'only later ones when they were exported');
}
