import { ProjectorError } from '../errors.ts';
import type { FullLoadPlan } from '../plan/plan.ts';
import type { Session } from '../postgres/pool.ts';
import { quoteLiteral, quoteTable, type TableName } from '../postgres/quoting.ts';
import { readLoadedSplits, type SplitStats } from '../state/loaded-splits.ts';
import type { Context } from './context.ts';
import type { Loaded } from './full-load.ts';
import { sourceRebuilt } from './run-refusals.ts';

/**
 * Proves in the swap's transaction that staging holds the export: the marks in `sync_splits` are those
 * of all its splits, each written with its rows. Where some are gone the server has lost its last
 * transactions, and their rows with them (SPLITS_LOST: load them again), or somebody has changed the
 * marks or the rows (STATE_CHANGED). A mark and its rows are one transaction, so the rows themselves are
 * only counted where a mark is missing, or somebody may have taken one away before it was looked for.
 * A full load of no rows does not replace rows that were counted.
 */
export async function requireAllMarks(
  session: Session,
  context: Context,
  plan: FullLoadPlan,
  loaded: Loaded,
): Promise<void> {
  const { tables } = context.resolved;
  const marks = await readLoadedSplits(session, tables, plan.artifacts.objectPrefix);
  const marked = markedRows(marks.values());
  if (marked !== loaded.rows || loaded.inPieces) {
    const rows = (await rowsIfThere(session, plan.staging)) ?? 0;
    if (rows !== marked || marked > loaded.rows) throw marksChanged(context, plan);
    if (marked < loaded.rows) throw splitsLost(loaded.rows - marked);
  }
  if (loaded.rows > 0 || plan.counted.rows === 0 || plan.table === undefined) return;
  const [row] = await session.unsafe<{ some: boolean }[]>(
    `SELECT EXISTS (SELECT FROM ${quoteTable(plan.target)}) AS some`,
  );
  if (row?.some) throw sourceRebuilt(context, 'none when they were exported');
}

/** The rows of the marks. */
export function markedRows(marks: Iterable<SplitStats>): number {
  let rows = 0;
  for (const { checksum } of marks) rows += checksum.rows;
  return rows;
}

/** The rows of a table, counted; undefined: there is no such table. */
export async function rowsIfThere(session: Session, table: TableName): Promise<number | undefined> {
  const place = quoteTable(table);
  const [found] = await session.unsafe<{ there: boolean }[]>(
    `SELECT to_regclass(${quoteLiteral(place)}) IS NOT NULL AS there`,
  );
  if (!found?.there) return undefined;
  const [row] = await session.unsafe<{ rows: string }[]>(`SELECT count(*) AS rows FROM ${place}`);
  return Number(row?.rows ?? 0);
}

/** Asks for another round of loading: what is still marked is there. */
function splitsLost(rows: number): ProjectorError {
  return new ProjectorError({
    code: 'SPLITS_LOST',
    message: `the server has lost ${rows} rows that it had confirmed, in a crash or by a failover`,
    hint: 'Nothing was made visible. Run again; have the server keep what it has confirmed: synchronous_commit = on, and synchronous replicas.',
  });
}

function marksChanged({ resolved }: Context, { staging }: FullLoadPlan): ProjectorError {
  return new ProjectorError({
    code: 'STATE_CHANGED',
    message: `the marks of this load in ${quoteTable(resolved.tables.splits)} are not those of the rows in ${quoteTable(staging)}: somebody has changed them`,
    hint: 'Nothing was made visible. Run again, and leave the rows of loads that are under way alone: they are removed at their end.',
  });
}
