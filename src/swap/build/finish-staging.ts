import type postgres from 'postgres';
import { quoteTable } from '../../postgres/quoting.ts';
import { cancellable } from '../cancellable-query.ts';
import { arrayText } from '../catalog.ts';
import { explainViolation } from '../constraint-violations.ts';
import type { Dependents } from '../dependencies/dependents.ts';
import { LOCK_PATIENCE_MS, type LockRetry } from '../lock-retry.ts';
import { createStatistics, stagingStatisticsName } from '../objects/extended-statistics.ts';
import { createIndexConstraint, type Index, stagingIndexName } from '../objects/indexes.ts';
import { isAmong } from '../of-table.ts';
import { WRITING_SETTINGS } from '../session-settings.ts';
import { stagingOf } from '../temporary-names.ts';
import { buildIndexes, targetName } from './build-indexes.ts';
import { buildPercent, DONE } from './build-percent.ts';
import type { BuildPlan } from './build-plan.ts';
import { type BuildProgress, UNCOUNTED } from './index-progress.ts';
import { addForeignKeysToStaging } from './staging-foreign-keys.ts';

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
  const { dependents, target, signal } = plan;
  const tables = dependents?.tables ?? [target];
  const indexes = indexesOfTables(dependents);
  const foreignKeys = (dependents?.foreignKeys ?? []).filter(({ onStaging }) => onStaging);
  const percentOf = buildPercent(indexes.length + foreignKeys.length + tables.length);
  const report = (progress: BuildProgress) => onProgress(progress, percentOf(progress));
  if (dependents !== undefined) {
    await buildIndexes(sql, plan, indexes, report);
    await addConstraints(sql, plan, indexes, report);
    const lockRetry: LockRetry = { giveUpAfterMs: LOCK_PATIENCE_MS, signal };
    await addForeignKeysToStaging(sql, plan, foreignKeys, lockRetry, report);
    await addStatistics(sql, plan, dependents);
  }
  for (const table of tables) {
    report({ object: quoteTable(table), phase: 'analyzing', ...UNCOUNTED });
    // VACUUM fills the visibility map: without it no index-only scan is planned on the new table.
    const vacuum = `VACUUM (ANALYZE) ${quoteTable(stagingOf(plan, table))}`;
    await cancellable(sql.unsafe(vacuum), signal);
    report({ object: quoteTable(table), phase: DONE, ...UNCOUNTED });
  }
}

/**
 * Those that are parts of a partitioned table's index first: where two are alike, ATTACH PARTITION
 * takes the older one.
 */
function indexesOfTables(dependents: Dependents | undefined): readonly Index[] {
  if (dependents === undefined) return [];
  return dependents.indexes
    .filter(({ table }) => isAmong(dependents.tables, table))
    .toSorted((a, b) => Number(a.attachedTo === null) - Number(b.attachedTo === null));
}

/** Turns indexes that back a constraint into one; EXCLUDE constraints build theirs here. */
async function addConstraints(
  sql: postgres.Sql,
  plan: BuildPlan,
  indexes: readonly Index[],
  onProgress: (progress: BuildProgress) => void,
): Promise<void> {
  const existing = await readConstraintNames(sql, plan, indexes);
  for (const index of indexes) {
    const name = stagingIndexName(index, plan.staging);
    if (index.constraint === null || existing.has(name)) continue;
    onProgress({ object: targetName(index), phase: 'adding constraint', ...UNCOUNTED });
    try {
      const statements = createIndexConstraint(index, stagingOf(plan, index.table), name);
      await runTogether(sql, statements, plan.signal);
    } catch (error) {
      throw explainViolation(error, index.table, index.name);
    }
    onProgress({ object: targetName(index), phase: DONE, ...UNCOUNTED });
  }
}

async function addStatistics(
  sql: postgres.Sql,
  plan: BuildPlan,
  { tables, statistics }: Dependents,
): Promise<void> {
  for (const item of statistics) {
    if (!isAmong(tables, item.table)) continue;
    const name = stagingStatisticsName(item, plan.staging);
    const statements = createStatistics(item, stagingOf(plan, item.table), name);
    await runTogether(sql, statements, undefined);
  }
}

/** The names of the constraints that have been made of `indexes`; they are temporary, and unique. */
async function readConstraintNames(
  sql: postgres.Sql,
  plan: BuildPlan,
  indexes: readonly Index[],
): Promise<ReadonlySet<string>> {
  const names = indexes.map((index) => stagingIndexName(index, plan.staging));
  const rows = await sql<{ name: string }[]>`
    SELECT conname AS name FROM pg_constraint WHERE conname = ANY (${arrayText(names)}::text[])`;
  return new Set(rows.map(({ name }) => name));
}

/** In one transaction: after a crash, all of it exists or none. */
async function runTogether(
  sql: postgres.Sql,
  statements: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  await sql.begin((transaction) =>
    cancellable(transaction.unsafe([...WRITING_SETTINGS, ...statements].join('; ')), signal),
  );
}
