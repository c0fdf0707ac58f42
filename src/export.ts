import type { ObjectInfo } from './clients/storage.ts';
import type { Context } from './context.ts';
import type { Plan } from './plan.ts';
import { updateRun } from './state/ledger.ts';

/** A complete export: all of its objects, and the rows that BigQuery says it wrote to them. */
export interface Exported {
  readonly objects: readonly ObjectInfo[];
  readonly rows: number;
  readonly bytes: number;
}

/**
 * Runs the export job and lists what it wrote. The ledger names the job before it is started; a
 * job that was started before under its id is waited for, not started again.
 */
export async function exportRows(context: Context, plan: Plan): Promise<Exported> {
  const { warehouse, report, control, ground, signal } = context;
  const phase = report.phase('export');
  const store = await context.store();
  await warehouse.start(plan.jobId, plan.exportSql, plan.source.name);
  const { rows } = await warehouse.exportResult(plan.jobId, plan.source.name);
  const objects = await store.list(plan.objectPrefix, signal);
  const bytes = totalBytes(objects);
  await control.run((session) =>
    session.unsafe(
      updateRun(ground.tables, plan.runId, { status: 'loading', exported_rows: rows, bytes }),
    ),
  );
  phase.finish();
  return { objects, rows, bytes };
}

export function totalBytes(objects: readonly ObjectInfo[]): number {
  return objects.reduce((sum, object) => sum + object.size, 0);
}
