import { requireReachableBucket } from './bucket-location.ts';
import { planColumns } from './columns.ts';
import type { Context } from './context.ts';
import { ProjectorError } from './errors.ts';
import { quoteTable } from './identifiers.ts';
import { type Instant, instantOfUnixMicros } from './instant.ts';
import { makePlan, type Plan } from './plan.ts';
import { readSource, type Source } from './source.ts';
import { checkStateShape, createStateTables } from './state/tables.ts';
import {
  aheadText,
  checkWatermark,
  resetStatement,
  type WatermarkRow,
  watermarkQuery,
} from './state/watermark.ts';
import { readDependents } from './swap/dependents.ts';
import { readTargetTable, type TargetTable } from './types/target.ts';
import { newestQuery } from './window.ts';

/** What both sides say before anything is decided. */
export interface Survey {
  readonly source: Source;
  readonly watermark: Instant | undefined;
  readonly newest: Instant | undefined;
  readonly newRows: number;
}

/** Makes the program's own tables where they are missing, and refuses those that are not its own. */
export async function prepareState({ control, ground }: Context): Promise<void> {
  checkStateShape(ground.tables, ground.stateShape);
  if (ground.tablesIfThere !== undefined) return;
  await control.run((session) => createStateTables(session, ground.tables));
}

/** Asks for the watermark, the source's schema, and what is new since. */
export async function surveySource(context: Context, describing: Promise<Source>): Promise<Survey> {
  const { warehouse } = context;
  const watermark = await readWatermark(context);
  const source = await describing;
  const [newest, count] = await warehouse.firstRow(newestQuery(source, watermark), source.name);
  return {
    source,
    watermark,
    newest: newest == null ? undefined : instantOfUnixMicros(BigInt(newest)),
    newRows: Number(count ?? 0),
  };
}

/** Asks BigQuery for the schema. Throws for a source that cannot be read. */
export async function describeSource({
  warehouse,
  source,
}: Pick<Context, 'warehouse' | 'source'>): Promise<Source> {
  return readSource(source, await warehouse.table(source));
}

async function readWatermark(context: Context): Promise<Instant | undefined> {
  const { control, report } = context;
  const { tables } = context.ground;
  const { pgTableText } = context.given;
  const [row] = await control.run((session) =>
    session.unsafe<WatermarkRow[]>(watermarkQuery(tables, pgTableText)),
  );
  const watermark = checkWatermark(tables, pgTableText, row?.watermark ?? undefined);
  if (watermark !== undefined && row?.ahead) report.warn(aheadText(tables, pgTableText, watermark));
  return watermark;
}

/** Reads the target, and decides all that the run will do. Throws for whatever would not work. */
export async function planRun(context: Context, survey: Survey): Promise<Plan> {
  const { ground, given, control, runId } = context;
  const { source, watermark, newest, newRows } = survey;
  const mode = watermark === undefined ? 'full' : 'incremental';
  const checked = context.store().then((store) => store.checkBucket(context.signal));
  checked.catch(() => undefined); // awaited below
  const [target, dependents] = await control.run(async (session) => [
    await readTargetTable(session, ground.target),
    mode === 'full' ? await readDependents(session, ground.target) : undefined,
  ]);
  requireReachableBucket(source.name, given.bucket, (await checked).location);
  if (mode === 'incremental') requireTarget(context, target);
  return makePlan({
    runId,
    tableName: given.pgTableText,
    target: ground.target,
    source,
    mode,
    window: { low: watermark, high: newest },
    expectedRows: newRows,
    bucket: given.bucket,
    dependents,
    primaryKey: target?.primaryKey ?? [],
    rowSecurity: target?.rowSecurity ?? false,
    columnPlan: planColumns(source.columns, target, mode),
  });
}

function requireTarget({ ground, given }: Context, target: TargetTable | undefined): void {
  if (target !== undefined) return;
  throw new ProjectorError({
    code: 'TARGET_MISSING',
    message: `table ${quoteTable(ground.target)} is gone, and sync_state has a watermark for ${given.pgTableText}`,
    next: `Set the watermark to NULL for a full load: ${resetStatement(ground.tables, given.pgTableText)}`,
  });
}
