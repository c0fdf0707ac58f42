import { costText } from './cost.ts';
import { amountText, bytesText, countText, secondsText } from './figures.ts';
import type { PhaseName } from './phase.ts';

/** What a run came to. */
export interface Summary {
  readonly runId: string;
  readonly mode: 'full' | 'incremental' | 'nothing new';
  /** `project.dataset.table`. */
  readonly source: string;
  /** `schema.table`. */
  readonly target: string;
  /** The rows after this `max_ingested_at`, UTC; undefined: all rows. */
  readonly since: string | undefined;
  readonly rows: number;
  /** Rows of the source that newer rows of the same keys have replaced; undefined: there is no key. */
  readonly rowsLeftOut?: number;
  /** Of the exported objects. */
  readonly bytes: number;
  /** Rows of the target before and after a full load. */
  readonly rowsBefore?: number;
  readonly rowsAfter?: number;
  /** By BigQuery, for all jobs of the run. */
  readonly bytesBilled?: number;
  readonly slotMs?: number;
  readonly seconds: Readonly<Partial<Record<PhaseName, number>>>;
  /** `sync_state.last_synced_at` after the run. */
  readonly watermark: string | null;
  readonly warnings: readonly string[];
}

/** The summary in one line; the only one when nothing is new. */
export function summaryLine(summary: Summary): string {
  const { source, target, watermark } = summary;
  if (summary.mode === 'nothing new') {
    const since = watermark === null ? '' : ` since ${watermark}`;
    return `Nothing new in ${source}${since}: ${target} is up to date`;
  }
  const title = summary.mode === 'full' ? 'Full load' : 'Increment';
  return `${title} of ${source} into ${target}: ${amountText(summary.rows, 'rows')}`;
}

/** The summary as a short table for people; nothing new is one line. */
export function summaryText(summary: Summary, totalSeconds: number): string {
  if (summary.mode === 'nothing new') return summaryLine(summary);
  const phases = Object.entries(summary.seconds).map(
    ([name, seconds]) => `${name} ${secondsText(seconds)}`,
  );
  const lines = [
    ['window', summary.since === undefined ? 'all rows' : `after ${summary.since}`],
    ['rows', rowsText(summary)],
    ...targetRows(summary),
    ['bytes', bytesText(summary.bytes)],
    ...(summary.bytesBilled === undefined ? [] : [['cost', costText(summary.bytesBilled)]]),
    ['time', [`${secondsText(totalSeconds)} in all`, ...phases].join(', ')],
    ['watermark', summary.watermark ?? 'none yet: no row has max_ingested_at'],
    ['run', summary.runId],
    ...summary.warnings.map((warning) => ['warning', warning]),
  ];
  const table = lines.map(([name = '', value = '']) => `  ${name.padEnd(9)}  ${value}`);
  return [summaryLine(summary), ...table].join('\n');
}

function rowsText({ rows, rowsLeftOut = 0 }: Summary): string {
  if (rowsLeftOut === 0) return countText(rows);
  return `${countText(rows)}, and ${countText(rowsLeftOut)} older ones of the same keys left out`;
}

function targetRows({ rowsBefore, rowsAfter }: Summary): readonly string[][] {
  if (rowsBefore === undefined || rowsAfter === undefined) return [];
  return [['target', `${amountText(rowsBefore, 'rows')} before, ${countText(rowsAfter)} after`]];
}
