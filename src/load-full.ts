import { freemem } from 'node:os';
import { planSplits, type Split } from './avro/splits.ts';
import { checkLoaded, type LoadedSplit } from './check.ts';
import type { Context } from './context.ts';
import { createEncoder, type Encoder } from './copy/encoder.ts';
import { CHUNK_BYTES } from './copy/pump.ts';
import type { Exported } from './export.ts';
import { headersOf } from './headers.ts';
import { quoteTable, type TableName } from './identifiers.ts';
import { type Instant, laterInstant } from './instant.ts';
import { type LoadedRow, loadOneSplit } from './load-one-split.ts';
import { explainRowError } from './misfit.ts';
import { copyStatement, type Plan } from './plan.ts';
import { runStreams } from './run-streams.ts';
import { readDoneSplits } from './state/splits.ts';
import { controlStreams, limitStreams } from './streams.ts';

/** What a load brought. */
export interface Loaded {
  readonly rows: number;
  /** The greatest `max_ingested_at` of the rows; undefined if none has one. */
  readonly watermark: Instant | undefined;
}

/** Bytes of a split: what a lost connection costs at most, and enough for COPY to run at full speed. */
export const SPLIT_BYTES = 64 * 1024 * 1024;

interface Progress {
  readonly loaded: LoadedSplit[];
  copiedRows: number;
  watermark: Instant | undefined;
}

/**
 * Loads the export into staging by several connections, split by split. Each split's COPY and its
 * row in `sync_splits` are one transaction, so a split is loaded once however often it is tried.
 */
export async function loadFull(
  context: Context,
  plan: Plan,
  exported: Exported,
  staging: TableName,
): Promise<Loaded> {
  const store = await context.store();
  const headerOf = headersOf(store, context.signal);
  const splits = planSplits(exported.objects, SPLIT_BYTES);
  const progress = await alreadyLoaded(context, plan, splits);
  const done = new Set(progress.loaded.map(({ split }) => split.id));
  const queue = splits.filter((split) => !done.has(split.id));
  const phase = context.report.phase('load', { total: exported.rows, unit: 'rows' });
  const limit = await context.control.run((session) => limitStreams(session, freemem()));
  const control = controlStreams(limit);
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const counted = countRows(progress, (rows) => {
    phase.advance(rows, { rows });
    const before = control.wanted;
    control.observe(rows, performance.now());
    if (control.wanted !== before) streams.grow();
  });
  const makeWorker = () => {
    let encoder: Encoder | undefined;
    return async (split: Split) => {
      const { fields } = await headerOf(split);
      encoder ??= createEncoder(plan.format, plan.columns, fields, CHUNK_BYTES);
      const statement = copyStatement(plan, quoteTable(staging));
      const splits = [split];
      const onProgress = counted(split);
      const job = { store, statement, encoder, splits, headerOf, signal, onProgress };
      const explain = explainRowError(plan, { store, headerOf, splits, signal });
      add(progress, split, await loadOneSplit(context, plan, job, split).catch(explain));
    };
  };
  const streams = runStreams(queue, control, makeWorker, stop);
  await streams.done;
  phase.finish();
  context.report.info(
    `loaded by ${control.wanted} streams; at most ${limit.most}: ${limit.reason}`,
  );
  await checkLoaded(plan, exported, progress.loaded, progress.copiedRows, headerOf);
  return { rows: progress.copiedRows, watermark: progress.watermark };
}

async function alreadyLoaded(
  context: Context,
  plan: Plan,
  splits: readonly Split[],
): Promise<Progress> {
  const done = await context.control.run((session) =>
    readDoneSplits(session, context.ground.tables, plan.objectPrefix),
  );
  const progress: Progress = { loaded: [], copiedRows: 0, watermark: undefined };
  for (const split of splits) {
    const row = done.get(split.id);
    if (row === undefined) continue;
    add(progress, split, row);
  }
  return progress;
}

/** Adds up the rows of all streams: those of the splits that are done, and of those under way. */
function countRows(
  progress: Progress,
  onRows: (rows: number) => void,
): (split: Split) => (rows: number) => void {
  const before = progress.copiedRows;
  const current = new Map<string, number>();
  let sum = before;
  return (split) => (rows) => {
    sum += rows - (current.get(split.id) ?? 0);
    current.set(split.id, rows);
    onRows(sum);
  };
}

function add(progress: Progress, split: Split, row: LoadedRow): void {
  progress.loaded.push({ split, sum: row.sum });
  progress.copiedRows += row.sum.rows;
  progress.watermark = laterInstant(progress.watermark, row.watermark);
}
