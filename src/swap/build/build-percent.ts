import type { BuildProgress } from './index-progress.ts';

/**
 * Adds up the progress of `parts` parts: how much of all is done, in percent, each part counting
 * alike. It never goes back.
 */
export function buildPercent(parts: number): (progress: BuildProgress) => number {
  const shares = new Map<string, number>();
  return (progress) => {
    const before = shares.get(progress.object) ?? 0;
    shares.set(progress.object, Math.max(before, shareOf(progress)));
    const done = shares.values().reduce((sum, share) => sum + share, 0);
    return Math.min(100, Math.floor((100 * done) / parts));
  };
}

/**
 * A btree counts the blocks that it scans, sorts without counting, and counts the rows that it writes
 * (PostgreSQL manual, "CREATE INDEX Progress Reporting"): the scan is half of it here. pgvector's hnsw
 * does all of its work while it counts the blocks of `loading tuples`; in that phase ivfflat counts rows,
 * after it has assigned them.
 */
function shareOf({ phase, done, total }: BuildProgress): number {
  if (phase === DONE) return 1;
  const share = total > 0 ? done / total : 0;
  if (phase === 'building index: loading tuples in tree') return 0.5 + share / 2;
  if (phase === 'building index: loading tuples') return share;
  return phase.startsWith('building index: sorting') ? 0.5 : share / 2;
}

/** The phase of a part that is done. */
export const DONE = 'done';
