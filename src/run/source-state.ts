import { ProjectorError } from '../errors.ts';
import { requireReachableBucket } from '../google/bucket-location.ts';
import { readSource, type Source } from '../google/source.ts';
import type { Visibility } from '../google/visibility.ts';
import { type Instant, instantOfUnixMicros } from '../instant.ts';
import { makePlan, type Plan } from '../plan/plan.ts';
import { planColumns } from '../plan/plan-columns.ts';
import { newestQuery } from '../plan/watermark-window.ts';
import { quoteTable } from '../postgres/quoting.ts';
import { readTargetTable, type TargetTable } from '../postgres/target-table.ts';
import { checkStateShape, createStateTables } from '../state/state-tables.ts';
import {
  aheadText,
  checkWatermark,
  resetStatement,
  type WatermarkRow,
  watermarkQuery,
} from '../state/watermark.ts';
import { readDependents, readWarnings } from '../swap/dependencies/dependents.ts';
import type { Context } from './context.ts';

/** What both sides say before anything is decided. */
export interface SourceState {
  readonly source: Source;
  readonly watermark: Instant | undefined;
  readonly newest: Instant | undefined;
  readonly newRows: number;
  /** What the count was not shown: as much may be hidden from the export. */
  readonly visibility: Visibility;
}

/** Makes the program's own tables where they are missing, and refuses those that are not its own. */
export async function ensureStateTables({ lockedSession, resolved }: Context): Promise<void> {
  checkStateShape(resolved.tables, resolved.stateShape);
  if (resolved.existingTables !== undefined) return;
  await lockedSession.run((session) => createStateTables(session, resolved.tables));
}

/** Asks for the watermark, the source's schema, and what is new since. */
export async function readSourceState(
  context: Context,
  describing: Promise<Source>,
): Promise<SourceState> {
  const { bigquery } = context;
  const watermark = await readWatermark(context);
  const source = await describing;
  const counted = await bigquery.firstRow(newestQuery(source, watermark), source.name);
  const [newest, count] = counted.cells;
  return {
    source,
    watermark,
    newest: newest == null ? undefined : instantOfUnixMicros(BigInt(newest)),
    newRows: Number(count ?? 0),
    visibility: counted,
  };
}

/** Asks BigQuery for the schema. Throws for a source that cannot be read. */
export async function describeSource({
  bigquery,
  source,
}: Pick<Context, 'bigquery' | 'source'>): Promise<Source> {
  return readSource(source, await bigquery.table(source));
}

async function readWatermark(context: Context): Promise<Instant | undefined> {
  const { lockedSession, report } = context;
  const { tables } = context.resolved;
  const { pgTableText } = context.given;
  const [row] = await lockedSession.run((session) =>
    session.unsafe<WatermarkRow[]>(watermarkQuery(tables, pgTableText)),
  );
  const watermark = checkWatermark(tables, pgTableText, row?.watermark ?? undefined);
  if (watermark !== undefined && row?.ahead) report.warn(aheadText(tables, pgTableText, watermark));
  return watermark;
}

/** Reads the target, and decides all that the run will do. Throws for whatever would not work. */
export async function planRun(context: Context, survey: SourceState): Promise<Plan> {
  const { resolved, given, lockedSession, runId } = context;
  const { source, watermark, newest, newRows } = survey;
  const mode = watermark === undefined ? 'full' : 'incremental';
  const checked = context.store().then((store) => store.checkBucket(context.signal));
  checked.catch(() => undefined); // awaited below
  const [target, dependents, warnings] = await lockedSession.run(async (session) => [
    await readTargetTable(session, resolved.target),
    mode === 'full' ? await readDependents(session, resolved.target) : undefined,
    mode === 'full' ? await readWarnings(session, resolved.target) : [],
  ]);
  requireReachableBucket(source.name, given.bucket, (await checked).location);
  if (mode === 'incremental') requireTarget(context, target);
  return makePlan({
    runId,
    tableName: given.pgTableText,
    target: resolved.target,
    source,
    mode,
    window: { low: watermark, high: newest },
    expectedRows: newRows,
    bucket: given.bucket,
    dependents,
    warnings,
    primaryKey: target?.primaryKey ?? [],
    rowSecurity: target?.rowSecurity ?? false,
    columnPlan: planColumns(source.columns, target, mode),
  });
}

function requireTarget({ resolved, given }: Context, target: TargetTable | undefined): void {
  if (target !== undefined) return;
  throw new ProjectorError({
    code: 'TARGET_MISSING',
    message: `table ${quoteTable(resolved.target)} is gone, and sync_state has a watermark for ${given.pgTableText}`,
    hint: `Set the watermark to NULL for a full load: ${resetStatement(resolved.tables, given.pgTableText)}`,
  });
}
