import type { Figures } from './measure.ts';

/** One line of bench/results.json. */
export interface Result extends Figures {
  readonly shape: string;
  readonly rows: number;
  readonly streams: number;
  readonly what: string;
  /** Wall time over that of the binary floor with the same shape, rows and streams; null without one. */
  readonly ratioToFloor: number | null;
}

/** Rounds for people who read the file. */
export function result(
  shape: string,
  rows: number,
  streams: number,
  what: string,
  figures: Figures,
  ratioToFloor?: number,
): Result {
  const round = (value: number, digits = 3) => Number(value.toFixed(digits));
  return {
    shape,
    rows,
    streams,
    what,
    wallSeconds: round(figures.wallSeconds),
    clientCpuSeconds: round(figures.clientCpuSeconds),
    backendCpuSeconds: round(figures.backendCpuSeconds, 2),
    peakMemoryMb: round(figures.peakMemoryMb, 1),
    ratioToFloor: ratioToFloor === undefined ? null : round(ratioToFloor, 2),
  };
}

/** The results as a table for the terminal. */
export function resultTable(results: readonly Result[]): string {
  const head = [
    'shape',
    'what',
    'rows',
    'streams',
    'wall s',
    'client s',
    'backend s',
    'MB',
    'floor x',
  ];
  const lines = results.map((r) => [
    r.shape,
    r.what,
    r.rows.toLocaleString('en-US'),
    String(r.streams),
    r.wallSeconds.toFixed(2),
    r.clientCpuSeconds.toFixed(2),
    r.backendCpuSeconds.toFixed(2),
    r.peakMemoryMb.toFixed(0),
    r.ratioToFloor?.toFixed(2) ?? '',
  ]);
  const widths = head.map((title, i) =>
    Math.max(title.length, ...lines.map((line) => line[i]?.length ?? 0)),
  );
  const print = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (i < 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ');
  return [head, ...lines].map(print).join('\n');
}
