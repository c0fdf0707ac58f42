import type postgres from 'postgres';
import { arrayText } from '../catalog.ts';

/** Progress of one index or constraint. `total` is 0 where the server does not say. */
export interface BuildProgress {
  /** The index, constraint or table, by the name it has on the target. */
  readonly object: string;
  /** pg_stat_progress_create_index's phase, or the step's name. */
  readonly phase: string;
  readonly done: number;
  readonly total: number;
}

/** A watch on index builds under way. */
export interface IndexWatch {
  /** Says which index the server process `pid` is building. */
  readonly building: (pid: number, object: string) => void;
  /** What is still asked is answered to nobody: there may be no connection to ask by. */
  readonly stop: () => void;
}

/** Of a step of which the server does not say how far it is. */
export const UNCOUNTED = { done: 0, total: 0 } as const;

const EVERY_MS = 500;

/** Reports the index builds that it is told of from pg_stat_progress_create_index, twice a second. */
export function watchIndexes(
  sql: postgres.Sql,
  onProgress: (progress: BuildProgress) => void,
): IndexWatch {
  const objects = new Map<number, string>();
  const stopped = Promise.withResolvers<void>();
  let watching = true;
  const watch = async (): Promise<void> => {
    while (watching) {
      await Promise.race([Bun.sleep(EVERY_MS), stopped.promise]);
      if (!watching) return;
      const rows = await readProgress(sql, [...objects.keys()]);
      if (!watching) return;
      for (const row of rows) {
        const object = objects.get(row.pid);
        if (object !== undefined) onProgress({ ...row, object });
      }
    }
  };
  // Progress is a courtesy: if it cannot be read, the indexes are built all the same.
  watch().catch(() => undefined);
  return {
    building: (pid, object) => {
      objects.set(pid, object);
      onProgress({ object, phase: 'initializing', ...UNCOUNTED });
    },
    stop: () => {
      watching = false;
      stopped.resolve();
    },
  };
}

async function readProgress(
  sql: postgres.Sql,
  pids: readonly number[],
): Promise<readonly { pid: number; phase: string; done: number; total: number }[]> {
  return await sql<{ pid: number; phase: string; done: number; total: number }[]>`
    SELECT pid, phase,
      CASE WHEN tuples_total > 0 THEN tuples_done ELSE blocks_done END::float8 AS done,
      CASE WHEN tuples_total > 0 THEN tuples_total ELSE blocks_total END::float8 AS total
    FROM pg_stat_progress_create_index
    WHERE pid = ANY (${arrayText(pids)}::int[])`;
}
