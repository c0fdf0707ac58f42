import type postgres from 'postgres';
import type { Session } from '../../postgres/pool.ts';
import { quoteTable } from '../../postgres/quoting.ts';
import { cancellable } from '../cancellable-query.ts';
import { explainViolation } from '../constraint-violations.ts';
import { createIndex, type Index, stagingIndexName } from '../objects/indexes.ts';
import { WRITING_SETTINGS } from '../session-settings.ts';
import { stagingOf } from '../temporary-names.ts';
import { DONE } from './build-percent.ts';
import type { BuildPlan } from './build-plan.ts';
import { type BuildProgress, UNCOUNTED, watchIndexes } from './index-progress.ts';

/**
 * Builds all indexes but those that a constraint has to build itself, several at once where there are
 * connections for it: a pooler may have fewer than the server. When one index cannot be built, no
 * further one is begun: the failure is reported at once, not hours late.
 */
export async function buildIndexes(
  sql: postgres.Sql,
  plan: BuildPlan,
  indexes: readonly Index[],
  onProgress: (progress: BuildProgress) => void,
): Promise<void> {
  const waiting = indexes.filter((index) => index.constraint?.buildsItsIndex !== true);
  const watch = watchIndexes(sql, onProgress);
  const build = async (session: Session): Promise<void> => {
    try {
      for (let index = waiting.shift(); index !== undefined; index = waiting.shift()) {
        await buildIndex(session, plan, index, watch.building);
        onProgress({ object: targetName(index), phase: DONE, ...UNCOUNTED });
      }
    } finally {
      waiting.length = 0; // when one builder fails, the others finish their index and stop
      session.release();
    }
  };
  const free = Math.max(1, (sql.options.max ?? 1) - 1);
  const builders = Math.min(plan.indexesAtOnce ?? 2, free, waiting.length);
  const first = sql.reserve().then(build);
  const others = Array.from({ length: builders - 1 }, () =>
    sql.reserve().then(build, () => undefined),
  );
  const results = await Promise.allSettled([first, ...others]);
  watch.stop();
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

/** The name that the index has on the target. */
export function targetName({ table, name }: Index): string {
  return quoteTable({ schema: table.schema, name });
}

async function buildIndex(
  session: Session,
  plan: BuildPlan,
  index: Index,
  building: (pid: number, name: string) => void,
): Promise<void> {
  const name = stagingIndexName(index, plan.staging);
  const statements = [
    ...WRITING_SETTINGS,
    ...createIndex(index, stagingOf(plan, index.table), name),
  ];
  try {
    const [row] = await session<{ pid: number }[]>`SELECT pg_backend_pid() AS pid`;
    building(row?.pid ?? 0, targetName(index));
    // In one message, and so in one transaction.
    await cancellable(session.unsafe(statements.join('; ')), plan.signal);
  } catch (error) {
    throw explainViolation(error, index.table, index.name);
  }
}
