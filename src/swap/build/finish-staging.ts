import type postgres from 'postgres';
import { isSameTable, quoteTable, type TableName } from '../../postgres/quoting.ts';
import { cancellable } from '../cancel.ts';
import type { Dependents } from '../dependencies/dependents.ts';
import type { LockRetry } from '../lock-retry.ts';
import { createStatistics, stagingStatisticsName } from '../objects/extended-statistics.ts';
import {
  createIndex,
  createIndexConstraint,
  type Index,
  stagingIndexName,
} from '../objects/indexes.ts';
import { WRITING_SETTINGS } from '../session-settings.ts';
import type { SwapPlan } from '../swap-plan.ts';
import { explainViolation } from '../violations.ts';
import { buildPercent, DONE } from './build-percent.ts';
import { type BuildProgress, UNCOUNTED, watchIndexes } from './index-progress.ts';
import { addForeignKeysToStaging } from './staging-foreign-keys.ts';

/** Which table to finish, and how. Without `dependents` there are only statistics to gather. */
export interface BuildPlan extends Omit<SwapPlan, 'added'> {
  /** Indexes to build at once (each can have parallel workers of its own); 2 if not said. */
  readonly indexesAtOnce?: number;
  readonly signal?: AbortSignal;
}

/** How long to try for the locks of tables that foreign keys refer to. */
const GIVE_UP_AFTER_MS = 30 * 60_000;

/**
 * Gives staging, once its rows are in, the indexes, constraints and statistics of the target, and
 * analyzes it, so that the swap has only names to change. Nothing of the target is touched. It can
 * be called again after a crash: what exists is left as it is. `sql` is a pool, of which up to
 * `indexesAtOnce` + 1 connections are used. Rows that break a constraint: CONSTRAINT_VIOLATED.
 */
export async function finishStaging(
  sql: postgres.Sql,
  plan: BuildPlan,
  onProgress: (progress: BuildProgress, percent: number) => void,
): Promise<void> {
  const { dependents, target, staging, signal } = plan;
  const indexes = (dependents?.indexes ?? []).filter(({ table }) => isSameTable(table, target));
  const foreignKeys = (dependents?.foreignKeys ?? []).filter(({ own }) => own);
  const percentOf = buildPercent(indexes.length + foreignKeys.length + 1);
  const report = (progress: BuildProgress) => onProgress(progress, percentOf(progress));
  if (dependents !== undefined) {
    await buildIndexes(sql, plan, indexes, report);
    await addConstraints(sql, plan, indexes, report);
    const lockRetry: LockRetry = { giveUpAfterMs: GIVE_UP_AFTER_MS, signal };
    await addForeignKeysToStaging(sql, plan, foreignKeys, lockRetry, report);
    await addStatistics(sql, plan, dependents);
  }
  report({ object: quoteTable(target), phase: 'analyzing', ...UNCOUNTED });
  // VACUUM fills the visibility map: without it no index-only scan is planned on the new table.
  await cancellable(sql.unsafe(`VACUUM (ANALYZE) ${quoteTable(staging)}`), signal);
}

/**
 * Builds all indexes but those that a constraint has to build itself, several at once. When one
 * cannot be built, no further one is begun: the failure is reported at once, not hours late.
 */
async function buildIndexes(
  sql: postgres.Sql,
  plan: BuildPlan,
  indexes: readonly Index[],
  onProgress: (progress: BuildProgress) => void,
): Promise<void> {
  const waiting = indexes.filter((index) => index.constraint?.buildsItsIndex !== true);
  const watch = watchIndexes(sql, plan.staging, onProgress);
  const build = async (): Promise<void> => {
    try {
      for (let index = waiting.shift(); index !== undefined; index = waiting.shift()) {
        await buildIndex(sql, plan, index, watch.building);
        onProgress({ object: nameOf(index), phase: DONE, ...UNCOUNTED });
      }
    } finally {
      waiting.length = 0; // when one builder fails, the others finish their index and stop
    }
  };
  const free = Math.max(1, (sql.options.max ?? 1) - 1);
  const builders = Math.min(plan.indexesAtOnce ?? 2, free);
  const results = await Promise.allSettled(Array.from({ length: builders }, build)).finally(
    watch.stop,
  );
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

async function buildIndex(
  sql: postgres.Sql,
  { target, staging, signal }: BuildPlan,
  index: Index,
  building: (pid: number, name: string) => void,
): Promise<void> {
  const name = stagingIndexName(index, staging);
  try {
    await sql.begin(async (transaction) => {
      const [session] = await transaction<{ pid: number }[]>`SELECT pg_backend_pid() AS pid`;
      building(session?.pid ?? 0, nameOf(index));
      for (const statement of [...WRITING_SETTINGS, ...createIndex(index, staging, name)]) {
        await cancellable(transaction.unsafe(statement), signal);
      }
    });
  } catch (error) {
    throw explainViolation(error, target, index.name);
  }
}

/** Turns indexes that back a constraint into one; EXCLUDE constraints build theirs here. */
async function addConstraints(
  sql: postgres.Sql,
  plan: BuildPlan,
  indexes: readonly Index[],
  onProgress: (progress: BuildProgress) => void,
): Promise<void> {
  const existing = await readConstraintNames(sql, plan.staging);
  for (const index of indexes) {
    const name = stagingIndexName(index, plan.staging);
    if (index.constraint === null || existing.has(name)) continue;
    onProgress({ object: nameOf(index), phase: 'adding constraint', ...UNCOUNTED });
    try {
      await runTogether(sql, createIndexConstraint(index, plan.staging, name), plan.signal);
    } catch (error) {
      throw explainViolation(error, plan.target, index.name);
    }
    onProgress({ object: nameOf(index), phase: DONE, ...UNCOUNTED });
  }
}

/** The name that the index has on the target. */
function nameOf({ table, name }: Index): string {
  return quoteTable({ schema: table.schema, name });
}

async function addStatistics(
  sql: postgres.Sql,
  { target, staging }: BuildPlan,
  dependents: Dependents,
): Promise<void> {
  for (const statistics of dependents.statistics) {
    if (!isSameTable(target, statistics.table)) continue;
    const name = stagingStatisticsName(statistics, staging);
    await runTogether(sql, createStatistics(statistics, staging, name), undefined);
  }
}

/** The names of the constraints that a relation has. */
async function readConstraintNames(
  sql: postgres.Sql,
  staging: TableName,
): Promise<ReadonlySet<string>> {
  const rows = await sql<{ name: string }[]>`
    SELECT conname AS name FROM pg_constraint WHERE conrelid = ${quoteTable(staging)}::regclass`;
  return new Set(rows.map(({ name }) => name));
}

/** In one transaction: after a crash, all of it exists or none. */
async function runTogether(
  sql: postgres.Sql,
  statements: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  await sql.begin(async (transaction) => {
    for (const statement of [...WRITING_SETTINGS, ...statements]) {
      await cancellable(transaction.unsafe(statement), signal);
    }
  });
}
