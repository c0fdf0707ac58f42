import { ProjectorError } from '../errors.ts';
import type { Source } from '../google/source.ts';
import { widenedColumns } from '../plan/widen-columns.ts';
import type { Session } from '../postgres/pool.ts';
import { quoteLiteral, quoteTable, type TableName } from '../postgres/quoting.ts';
import {
  DEPENDENT_OBJECTS_STILL_EXIST,
  FEATURE_NOT_SUPPORTED,
  INSUFFICIENT_PRIVILEGE,
} from '../postgres/sqlstates.ts';
import { readTargetTable, type TargetTable } from '../postgres/target-table.ts';
import { inTransaction } from '../postgres/transactions.ts';
import { tellOfHolders } from '../swap/lock-holders.ts';
import { isLockError, LOCK_PATIENCE_MS, type LockWait, retryForLocks } from '../swap/lock-retry.ts';
import { lockTimeoutError } from '../swap/swap-locks.ts';
import type { Context } from './context.ts';
import { explainGone, targetChanged } from './run-refusals.ts';

/**
 * Runs ALTER TABLE statements on the target in a transaction of their own and by short tries, so that
 * readers wait for no longer than an instant. Throws TARGET_CHANGED, and alters nothing, where another
 * table or none is there by now.
 */
export async function alterTarget(
  session: Session,
  context: Context,
  { name: target, oid }: TargetTable,
  statements: readonly string[],
): Promise<void> {
  if (statements.length === 0) return;
  const { report, signal } = context;
  const tell = tellOfHolders(session, report.warn);
  const onWait = (wait: LockWait) => tell(wait, [target]);
  try {
    await retryForLocks(session, { giveUpAfterMs: LOCK_PATIENCE_MS, signal, onWait }, (budgetMs) =>
      inTransaction(session, signal, async () => {
        await session.unsafe(`SET LOCAL lock_timeout = ${Math.ceil(budgetMs)}`);
        for (const statement of statements) {
          await session.unsafe(statement).catch(explainGone(context));
        }
        if ((await oidOf(session, target)) !== oid) {
          throw targetChanged(context, 'it was dropped and made again');
        }
      }),
    );
  } catch (error) {
    throw isLockError(error) ? await lockTimeoutError(session, target, error) : error;
  }
}

/** The table that has the name now: it is locked already, where this transaction has altered it. */
async function oidOf(session: Session, table: TableName): Promise<number> {
  const [row] = await session.unsafe<{ oid: string }[]>(
    `SELECT to_regclass(${quoteLiteral(quoteTable(table))})::oid::text AS oid`,
  );
  return Number(row?.oid);
}

/**
 * Widens the columns of the target whose declared length or precision has grown in BigQuery, before
 * anything is exported that would not fit. Throws CANNOT_WIDEN with the statement where a view is in
 * the way, or the right to do it is missing.
 */
export async function widenTarget(context: Context, source: Source): Promise<void> {
  const { lockedSession, resolved, report } = context;
  const { target } = resolved;
  await lockedSession.run(async (session) => {
    const table = await readTargetTable(session, target);
    if (table === undefined) return;
    for (const { name, statement } of widenedColumns(source, table)) {
      await alterTarget(session, context, table, [statement]).catch((error) => {
        throw cannotWiden(target, name, statement, error);
      });
      report.info(`column ${name} of the target was widened, as in BigQuery`, { statement });
    }
  });
}

/** A view, a rule or a generated column uses it; or it belongs to another role. */
const IN_THE_WAY: ReadonlySet<string> = new Set([
  FEATURE_NOT_SUPPORTED,
  DEPENDENT_OBJECTS_STILL_EXIST,
  INSUFFICIENT_PRIVILEGE,
]);

function cannotWiden(
  target: TableName,
  column: string,
  statement: string,
  error: unknown,
): unknown {
  const { code, message, detail } = error as Partial<Record<string, string>>;
  if (!IN_THE_WAY.has(code ?? '')) return error;
  return new ProjectorError({
    code: 'CANNOT_WIDEN',
    message: `column ${column} of ${quoteTable(target)} is narrower than in BigQuery, and cannot be widened: ${[message, detail].filter(Boolean).join(': ')}`,
    hint: `Drop what is in the way, widen it, and make that again: ${statement};`,
    cause: error,
  });
}
