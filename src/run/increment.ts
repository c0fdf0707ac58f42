import { planSplits } from '../avro/splits.ts';
import { instantOfPostgresMicros } from '../instant.ts';
import { copySplits } from '../load/copy-splits.ts';
import { openExport } from '../load/open-export.ts';
import { SPLIT_BYTES } from '../load/row-source.ts';
import { copyStatement, type Plan } from '../plan/plan.ts';
import { addColumns, copyInto, createTempTable, upsertStatement } from '../plan/upsert.ts';
import { commitRun, readRun } from '../state/ledger.ts';
import { checkLoaded } from './check-loaded.ts';
import type { Context } from './context.ts';
import type { Exported } from './export.ts';
import type { Loaded } from './full-load.ts';
import { rolledBack, type Session } from './locked-session.ts';
import { explainCopyError } from './row-errors/explain.ts';

/**
 * Loads the export into the target in one transaction: new columns, rows, the merge by key where
 * there is a primary key, the ledger's mark. It runs on the session that holds the lock; when that
 * is lost, the ledger tells whether the COMMIT went through, and otherwise all is done again.
 */
export async function loadIncrement(
  context: Context,
  plan: Plan,
  exported: Exported,
): Promise<Loaded> {
  const { lockedSession, resolved, report } = context;
  const phase = report.phase('load', { total: exported.rows, unit: 'rows' });
  const loaded = await lockedSession.run(async (session) => {
    const before = await alreadyCommitted(session, context, plan);
    if (before !== undefined) return before;
    try {
      await session.unsafe(['BEGIN', ...addColumns(plan), ...createTempTable(plan)].join('; '));
      const result = await copyAll(context, plan, exported, session, (rows) =>
        phase.advance(rows, { rows }),
      );
      for (const statement of upsertStatement(plan)) await session.unsafe(statement);
      await commitRun(session, resolved.tables, plan.runId, result);
      context.signal.throwIfAborted();
      await session.unsafe('COMMIT');
      return result;
    } catch (error) {
      await rolledBack(session);
      throw error;
    }
  });
  phase.finish();
  return loaded;
}

/** What an earlier try committed, if it did; another run may even have set its watermark. */
async function alreadyCommitted(
  session: Session,
  { resolved }: Context,
  plan: Plan,
): Promise<Loaded | undefined> {
  const row = await readRun(session, resolved.tables, plan.runId);
  if (row?.status !== 'committed' && row?.status !== 'applied') return undefined;
  return { rows: Number(row.rows), watermark: row.watermark ?? undefined };
}

async function copyAll(
  context: Context,
  plan: Plan,
  exported: Exported,
  session: Session,
  onProgress: (rows: number) => void,
): Promise<Loaded> {
  const splits = planSplits(exported.objects, SPLIT_BYTES);
  const [first] = splits;
  if (first === undefined) return { rows: 0, watermark: undefined };
  using reading = openExport(plan, await context.store(), splits, context.signal);
  const statement = copyStatement(plan, copyInto(plan));
  const encoder = await reading.encoder();
  const job = { ...reading, statement, encoder, next: () => [], onProgress };
  const { checksums, rows } = await copySplits(session, job).catch(explainCopyError(plan, job));
  const loaded = checksums.map((checksum, i) => ({ split: splits[i] ?? first, checksum }));
  await checkLoaded(plan, exported, loaded, rows, reading.headerOf);
  const max = encoder.maxMicros();
  return { rows, watermark: max === undefined ? undefined : instantOfPostgresMicros(max) };
}
