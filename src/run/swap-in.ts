import { ProjectorError } from '../errors.ts';
import { quoteBigQueryPath } from '../google/bigquery-quoting.ts';
import { sourceFrom } from '../google/source.ts';
import type { Plan } from '../plan/plan.ts';
import { windowFilter } from '../plan/watermark-window.ts';
import { quoteLiteral, quoteTable, type TableName } from '../postgres/quoting.ts';
import { isRetryable } from '../postgres/server-errors.ts';
import { retry } from '../retry.ts';
import { commitRun, readRun } from '../state/ledger.ts';
import { finishStaging } from '../swap/build/finish-staging.ts';
import { stagingStatements } from '../swap/build/staging.ts';
import { stagingIndexName } from '../swap/objects/indexes.ts';
import { swap } from '../swap/swap.ts';
import type { Context } from './context.ts';
import type { Loaded } from './full-load.ts';
import { connectionWarning, rolledBack } from './locked-session.ts';

/** Makes the staging table, unless a run that this one goes on with has made it. */
export async function createStaging(
  { lockedSession }: Context,
  plan: Plan,
  staging: TableName,
): Promise<void> {
  await lockedSession.run(async (session) => {
    const place = quoteLiteral(quoteTable(staging));
    const [found] = await session.unsafe(`SELECT to_regclass(${place}) IS NOT NULL AS there`);
    if (found?.['there'] === true) return;
    const { target, dependents, added } = plan;
    const statements = stagingStatements({ target, staging, dependents, added });
    try {
      await session.unsafe(['BEGIN', ...statements, 'COMMIT'].join(';\n'));
    } catch (error) {
      await rolledBack(session);
      throw error;
    }
  });
}

/** Indexes, constraints and statistics, on rows that nobody sees yet; what is made stays made. */
export async function buildIndexes(
  context: Context,
  plan: Plan,
  staging: TableName,
): Promise<void> {
  const { sql, report, signal } = context;
  const phase = report.phase('indexes', { total: 100, unit: '%' });
  const { target, dependents } = plan;
  const onWait = (error: unknown) => report.warn(connectionWarning(error));
  const onProgress = (_part: unknown, percent: number) => phase.advance(percent);
  await retry(() => finishStaging(sql, { target, staging, dependents, signal }, onProgress), {
    signal,
    isRetryable,
    onWait,
  }).catch((error) => {
    throw withDuplicatesQuery(plan, staging, error);
  });
  phase.advance(100);
  phase.finish();
}

/** Adds the query that finds the keys in BigQuery which the primary key does not allow twice. */
function withDuplicatesQuery(plan: Plan, staging: TableName, error: unknown): unknown {
  if (!(error instanceof ProjectorError) || !breaksPrimaryKey(plan, staging, error)) return error;
  const keys = plan.columns.filter(({ target }) => plan.primaryKey.includes(target ?? ''));
  if (keys.length === 0) return error;
  const list = keys.map(({ source }) => quoteBigQueryPath(source)).join(', ');
  const { source, window } = plan;
  const filter = windowFilter(source.watermark, window);
  const where = source.filterColumn === undefined ? '' : ` WHERE ${filter}`;
  const query = `SELECT ${list}, COUNT(*) FROM ${sourceFrom(source)}${where} GROUP BY ${list} HAVING COUNT(*) > 1`;
  const { code, message, hint = '', cause } = error;
  return new ProjectorError({
    code,
    message,
    hint: `${hint} Keys that are there twice: ${query}`,
    cause,
  });
}

/** SQLSTATE: two rows of the new table have one key. */
const UNIQUE_VIOLATION = '23505';

/** The server tells of the index by the name that it has on staging. */
function breaksPrimaryKey(
  { dependents }: Plan,
  staging: TableName,
  { cause }: ProjectorError,
): boolean {
  const { code, constraint_name: name } = (cause ?? {}) as Partial<Record<string, unknown>>;
  const index = dependents?.indexes.find(({ constraint }) => constraint?.primary);
  if (code !== UNIQUE_VIOLATION || index === undefined) return false;
  return name === stagingIndexName(index, staging);
}

/** Puts staging in the target's place and marks the run committed, in one transaction. */
export async function swapIn(
  context: Context,
  plan: Plan,
  staging: TableName,
  loaded: Loaded,
): Promise<void> {
  const { lockedSession, resolved, report, signal } = context;
  const phase = report.phase('swap');
  const { target, dependents, added } = plan;
  await lockedSession.run(async (session) => {
    const before = await readRun(session, resolved.tables, plan.runId);
    if (before?.status === 'committed' || before?.status === 'applied') return;
    await session.unsafe('BEGIN');
    try {
      const onWait = ({ tries }: { tries: number }) =>
        report.info('other sessions hold the target: trying again for the swap', { tries });
      const swapped = await swap(
        session,
        { target, staging, dependents, added },
        { signal, onWait },
      );
      await commitRun(session, resolved.tables, plan.runId, loaded);
      signal.throwIfAborted();
      await session.unsafe('COMMIT');
      const { lockHeldMs, reasons } = swapped;
      const why = reasons.length === 0 ? '' : `: ${reasons.join(', ')}`;
      report.info(`the swap held its locks for ${Math.ceil(lockHeldMs)} ms${why}`, { reasons });
    } catch (error) {
      await rolledBack(session);
      throw error;
    }
  });
  phase.finish();
}
