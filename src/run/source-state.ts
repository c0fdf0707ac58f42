import { readSource, type Source } from '../google/source.ts';
import { jobWarnings } from '../google/visibility.ts';
import { type Instant, instantOfUnixMicros } from '../instant.ts';
import type { Counted } from '../plan/plan.ts';
import { countQuery } from '../plan/watermark-window.ts';
import { findWatermark } from '../state/find-watermark.ts';
import { isSameSource, type LastRun, readLastRun } from '../state/last-run.ts';
import { aheadText, checkWatermark, readWatermarks } from '../state/watermark.ts';
import type { Context } from './context.ts';
import { otherSource } from './run-refusals.ts';

/** What both sides say before anything is decided. */
export interface SourceState {
  readonly source: Source;
  /** The row of `sync_state`: its table_name. */
  readonly tableName: string;
  /** Of that row: WatermarkRow.version. */
  readonly version: string | null;
  readonly watermark: Instant | undefined;
  readonly counted: Counted;
  readonly lastRun: LastRun;
}

/** Asks for the watermark, the source's schema, and what is new since. */
export async function readSourceState(
  context: Context,
  describing: Promise<Source>,
): Promise<SourceState> {
  const { bigquery, report } = context;
  // What is wrong with the source is the better word, where both are wrong.
  const source = await describing;
  const own = await readOwnState(context);
  const query = countQuery(source, own.watermark);
  const answer = await bigquery.firstRow(query, source.name);
  const [newest, count] = answer.cells;
  const counted = {
    rows: Number(count ?? 0),
    newest: newest == null ? undefined : instantOfUnixMicros(BigInt(newest)),
  };
  // The export tells of the same; where there is nothing to export, nobody else does.
  if (counted.rows === 0) for (const text of jobWarnings(source.name, answer)) report.warn(text);
  return { ...own, source, counted };
}

/** Asks BigQuery for the schema. Throws for a source that cannot be read. */
export async function describeSource({
  bigquery,
  source,
}: Pick<Context, 'bigquery' | 'source'>): Promise<Source> {
  return readSource(source, await bigquery.table(source));
}

/** The target's watermark, refused where it is of another source's rows, and what its last runs tell. */
async function readOwnState(context: Context): Promise<Omit<SourceState, 'source' | 'counted'>> {
  const { lockedSession, report, resolved, given, sourceId } = context;
  const { tables, target, bareSchema } = resolved;
  const text = given.pgTableText;
  const [rows, lastRun] = await lockedSession.run(async (session) => [
    await readWatermarks(session, tables),
    await readLastRun(session, tables, target, text),
  ]);
  const row = findWatermark(tables, { text, target, bareSchema, meant: lastRun.meant }, rows);
  const watermark = checkWatermark(tables, row);
  const known = lastRun.source;
  if (watermark !== undefined && known !== undefined && !isSameSource(sourceId, known)) {
    throw otherSource(context, row.tableName, known);
  }
  if (watermark !== undefined && row.ahead) report.warn(aheadText(tables, row));
  return { tableName: row.tableName, version: row.version, watermark, lastRun };
}
