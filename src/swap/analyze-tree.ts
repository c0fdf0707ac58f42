import type postgres from 'postgres';
import { quoteTable } from '../postgres/quoting.ts';
import { ownTree } from './build/staging-tree.ts';
import { cancellable } from './cancellable-query.ts';
import type { Dependents } from './dependencies/dependents.ts';

/** ANALYZE ONLY is of this version. Before it, the partitions are read once more. */
const ANALYZE_ONLY_SINCE = 180_000;

/**
 * Gathers the statistics of a partitioned target as a whole, once the swap is committed: those of its
 * partitions are there, but a join of the whole is planned by these, and autovacuum never sees to
 * them (PostgreSQL manual, "Updating Planner Statistics"). Nothing for any other target.
 */
export async function analyzeTree(
  sql: postgres.Sql,
  dependents: Dependents | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (dependents === undefined || ownTree(dependents).length === 0) return;
  const [row] = await sql<{ version: number }[]>`
    SELECT current_setting('server_version_num')::int AS version`;
  const only = (row?.version ?? 0) >= ANALYZE_ONLY_SINCE ? 'ONLY ' : '';
  await cancellable(sql.unsafe(`ANALYZE ${only}${quoteTable(dependents.target)}`), signal);
}
