import { freemem } from 'node:os';
import { groupSplits, planSplits, type Split } from '../avro/splits.ts';
import { type Instant, laterInstant } from '../instant.ts';
import { openExport } from '../load/open-export.ts';
import { SPLIT_BYTES } from '../load/row-source.ts';
import { StreamCount } from '../load/stream-count.ts';
import { limitStreams } from '../load/stream-limit.ts';
import { runStreams } from '../load/stream-pool.ts';
import { copyStatement, type Plan } from '../plan/plan.ts';
import { quoteTable, type TableName } from '../postgres/quoting.ts';
import { readLoadedSplits, type SplitStats } from '../state/loaded-splits.ts';
import { checkLoaded, type LoadedSplit } from './check-loaded.ts';
import type { Context } from './context.ts';
import type { Exported } from './export.ts';
import { loadGroup } from './load-group.ts';

/** What a load brought. */
export interface Loaded {
  readonly rows: number;
  /** The greatest `max_ingested_at` of the rows; undefined if none has one. */
  readonly watermark: Instant | undefined;
}

/** Smaller splits travel together up to here, for the round trips of a COPY not to count. */
const GROUP_BYTES = 8 * 1024 * 1024;

/** Groups that there are at least, where there are as many splits: streams then end at about one time. */
const LEAST_GROUPS = 16;

type Group = readonly Split[];

interface Progress {
  readonly loaded: LoadedSplit[];
  copiedRows: number;
  watermark: Instant | undefined;
}

/**
 * Loads the export into staging by several connections. Each COPY of a split (or of a group of small
 * ones) and its row in `sync_splits` are one transaction: it is loaded once however often it is tried.
 */
export async function loadFull(
  context: Context,
  plan: Plan,
  exported: Exported,
  staging: TableName,
): Promise<Loaded> {
  const splits = planSplits(exported.objects, SPLIT_BYTES);
  const progress = await alreadyLoaded(context, plan, splits);
  const done = new Set(progress.loaded.map(({ split }) => split.id));
  const toLoad = splits.filter((split) => !done.has(split.id));
  const phase = context.report.phase('load', { total: exported.rows, unit: 'rows' });
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  using reading = openExport(plan, await context.store(), toLoad, signal);
  const limit = await context.lockedSession.run((session) => limitStreams(session, freemem()));
  const control = new StreamCount(limit);
  const counted = countRows(progress, (rows) => {
    phase.advance(rows, { rows });
    const before = control.wanted;
    control.observe(rows, performance.now());
    if (control.wanted !== before) streams.grow();
  });
  const statement = copyStatement(plan, quoteTable(staging));
  const makeWorker = () => {
    const creating = reading.encoder();
    return async (splits: Group, next: () => Group | undefined) => {
      const encoder = await creating;
      const part = { splits, next: () => next() ?? [], onProgress: counted() };
      add(progress, splits, await loadGroup(context, { ...reading, statement, encoder, ...part }));
    };
  };
  const groups = groupSplits(toLoad, Math.min(GROUP_BYTES, exported.bytes / LEAST_GROUPS));
  const streams = runStreams(groups, control, makeWorker, stop);
  await streams.done;
  phase.finish();
  context.report.info(streamsText(control, groups.length));
  await checkLoaded(plan, exported, progress.loaded, progress.copiedRows, reading.headerOf);
  return { rows: progress.copiedRows, watermark: progress.watermark };
}

async function alreadyLoaded(
  context: Context,
  plan: Plan,
  splits: readonly Split[],
): Promise<Progress> {
  const done = await context.lockedSession.run((session) =>
    readLoadedSplits(session, context.resolved.tables, plan.objectPrefix),
  );
  const progress: Progress = { loaded: [], copiedRows: 0, watermark: undefined };
  for (const split of splits) {
    const row = done.get(split.id);
    if (row !== undefined) addSplit(progress, split, row);
  }
  return progress;
}

/** Adds up the rows of all streams: those of the groups that are done, and of those under way. */
function countRows(
  progress: Progress,
  onRows: (rows: number) => void,
): () => (rows: number) => void {
  let sum = progress.copiedRows;
  return () => {
    let before = 0;
    return (rows) => {
      sum += rows - before;
      before = rows;
      onRows(sum);
    };
  };
}

function streamsText({ wanted, reason }: StreamCount, groups: number): string {
  const text = (count: number) => (count === 1 ? '1 stream' : `${count} streams`);
  return groups < wanted
    ? `loaded by ${text(groups)}: there was no more to share out`
    : `loaded by ${text(wanted)}: ${reason}`;
}

function add(progress: Progress, group: Group, done: ReadonlyMap<string, SplitStats>): void {
  for (const split of group) {
    const row = done.get(split.id);
    if (row !== undefined) addSplit(progress, split, row);
  }
}

function addSplit(progress: Progress, split: Split, { checksum, watermark }: SplitStats): void {
  progress.loaded.push({ split, checksum });
  progress.copiedRows += checksum.rows;
  progress.watermark = laterInstant(progress.watermark, watermark);
}
