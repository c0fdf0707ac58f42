import { freemem } from 'node:os';
import { groupSplits, planSplits, type Split } from '../avro/splits.ts';
import { type Instant, laterInstant } from '../instant.ts';
import type { LoadedSplit } from '../load/copy-splits.ts';
import { openExport } from '../load/open-export.ts';
import { SPLIT_BYTES } from '../load/row-source.ts';
import { StreamCount } from '../load/stream-count.ts';
import { limitStreams } from '../load/stream-limit.ts';
import { runStreams } from '../load/stream-pool.ts';
import type { FullLoadPlan } from '../plan/plan.ts';
import { readLoadedSplits } from '../state/loaded-splits.ts';
import { checkLoaded, rowsOf } from './check-loaded.ts';
import type { Context } from './context.ts';
import { loadGroup } from './copy-with-retry.ts';
import type { Exported } from './export.ts';

/** What a load brought. */
export interface Loaded {
  readonly rows: number;
  /** The greatest `max_ingested_at` of the rows; undefined if none has one. */
  readonly watermark: Instant | undefined;
  /** Rows of the source that newer rows of the same keys have replaced; undefined: there is no key. */
  readonly rowsLeftOut: number | undefined;
  /** About how many rows the target had before a full load, where that is known. */
  readonly rowsBefore?: number | undefined;
  /** Something was loaded before, or tried more than once: only a count of staging shows what is there. */
  readonly inPieces: boolean;
}

/** Smaller splits travel together up to here, for the round trips of a COPY not to count. */
const GROUP_BYTES = 8 * 1024 * 1024;

/** Minimum number of groups, so that streams finish at about the same time. */
const LEAST_GROUPS = 16;

/**
 * Loads the export into staging by several connections. Each COPY of a split (or of a group of small
 * ones) and its mark in `sync_splits` are one transaction: it is loaded once however often it is tried.
 * What was loaded before is not loaded again.
 */
export async function loadFull(
  context: Context,
  plan: FullLoadPlan,
  exported: Exported,
): Promise<Loaded> {
  const splits = planSplits(exported.objects, SPLIT_BYTES);
  const loaded = await alreadyLoaded(context, plan, splits);
  const done = new Set(loaded.map(({ split }) => split.id));
  const toLoad = splits.filter(({ id }) => !done.has(id));
  const phase = context.report.phase('load', { total: exported.rows, unit: 'rows' });
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  using reading = openExport(plan, await context.store(), toLoad, signal);
  const room = { connections: context.sql.options.max, freeBytes: freemem() };
  const limit = await context.lockedSession.run((session) => limitStreams(session, room));
  const control = new StreamCount(limit);
  const counted = countRows(rowsOf(loaded), (rows) => {
    phase.advance(rows, { rows });
    const before = control.wanted;
    control.observe(rows, performance.now());
    if (control.wanted !== before) streams.grow();
  });
  let inPieces = loaded.length > 0;
  const onRetry = () => {
    inPieces = true;
  };
  const makeWorker = () => {
    const creating = reading.encoder();
    return async (group: readonly Split[], next: () => readonly Split[] | undefined) => {
      const encoder = await creating;
      const part = { splits: group, next: () => next() ?? [], onProgress: counted() };
      const job = { ...reading, statement: plan.copy, encoder, ...part };
      loaded.push(...(await loadGroup(context, plan, job, onRetry)));
    };
  };
  const groups = groupSplits(toLoad, Math.min(GROUP_BYTES, exported.bytes / LEAST_GROUPS));
  const streams = runStreams(groups, control, makeWorker, stop);
  await streams.done;
  phase.finish();
  if (groups.length > 0) context.report.info(streamsText(control, groups.length));
  // Each group has compared what it decoded with what its COPY took.
  const rows = rowsOf(loaded);
  await checkLoaded(plan, exported, { splits: loaded, rows }, reading.headerOf);
  return { ...loadedOf(plan, loaded), inPieces };
}

function loadedOf({ key }: FullLoadPlan, splits: readonly LoadedSplit[]) {
  const watermarks = splits.map(({ watermark }) => watermark);
  const leftOut = splits.reduce((sum, { rowsLeftOut }) => sum + rowsLeftOut, 0);
  return {
    rows: rowsOf(splits),
    watermark: watermarks.reduce(laterInstant, undefined),
    rowsLeftOut: key === undefined ? undefined : leftOut,
  };
}

async function alreadyLoaded(
  { lockedSession, resolved }: Context,
  { artifacts }: FullLoadPlan,
  splits: readonly Split[],
): Promise<LoadedSplit[]> {
  const marks = await lockedSession.run((session) =>
    readLoadedSplits(session, resolved.tables, artifacts.objectPrefix),
  );
  return splits.flatMap((split) => {
    const stats = marks.get(split.id);
    return stats === undefined ? [] : [{ split, ...stats }];
  });
}

/** Adds up the rows of all streams: those of the groups that are done, and of those under way. */
function countRows(before: number, onRows: (rows: number) => void): () => (rows: number) => void {
  let sum = before;
  return () => {
    let counted = 0;
    return (rows) => {
      sum += rows - counted;
      counted = rows;
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
