import { join } from 'node:path';
import type { Result } from './results.ts';

/** What the chart shows of each shape, from the top: the name in the results, and what it is. */
const BARS: readonly Pick<Result, 'what' | 'streams'>[] = [
  { what: 'floor-binary', streams: 2 },
  { what: 'load', streams: 2 },
  { what: 'floor-csv', streams: 2 },
  { what: 'psql-csv', streams: 1 },
];
const LABELS: Readonly<Record<string, string>> = {
  'floor-binary': 'the floor: PostgreSQL reads a binary file from its own disk, 2 connections',
  load: 'bq_to_postgres: from Cloud Storage to PostgreSQL, 2 connections, its own choice',
  'floor-csv': 'PostgreSQL reads a CSV file from its own disk, 2 connections',
  'psql-csv': 'psql \\copy of a CSV file',
};

/** What the rows of a shape are like. */
const SHAPES: Readonly<Record<string, string>> = {
  statistics: 'of text keys and floats',
  events: 'of keys, money, dates and JSON',
};

const WIDTH = 760;
const BAR = 14;
const STEP = 40;

/** Seconds of four loaders of the same rows, one group per shape, as an SVG with its own ground. */
export function chart(results: readonly Result[]): string {
  const shapes = Map.groupBy(results, ({ shape }) => shape);
  const groups = [...shapes.values()].map(barsOf).filter((bars) => bars.length > 0);
  const longest = Math.max(...groups.flat().map(({ wallSeconds }) => wallSeconds));
  const parts: string[] = [];
  let y = 28;
  for (const bars of groups) {
    parts.push(text(16, y, headline(bars), 'font-weight="bold"'));
    for (const bar of bars) {
      y += STEP;
      parts.push(...barParts(bar, y, longest));
    }
    y += STEP;
  }
  const height = y - STEP / 2;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" font-family="sans-serif" font-size="13" fill="#1f2328">
<title>Seconds to load the same rows: the floor, bq_to_postgres, and other loaders</title>
<rect x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="8" fill="#ffffff" stroke="#d0d7de"/>
${parts.join('\n')}
</svg>
`;
}

/** The bars that were measured. */
function barsOf(results: readonly Result[]): readonly Result[] {
  return BARS.flatMap(
    ({ what, streams }) =>
      results.find(
        (each) => each.ratioToFloor !== null && each.what === what && each.streams === streams,
      ) ?? [],
  );
}

function headline([first]: readonly Result[]): string {
  const { shape = '', rows = 0 } = first ?? {};
  return `${shape}: ${rows.toLocaleString('en-US')} rows ${SHAPES[shape] ?? ''}`;
}

/** A bar with its figure, and above it what it is. */
function barParts({ what, wallSeconds }: Result, y: number, longest: number): readonly string[] {
  const width = ((wallSeconds / longest) * (WIDTH - 120)).toFixed(1);
  const ours = what === 'load';
  const fill = ours ? '#2f6fde' : '#b8c0cc';
  return [
    text(16, y - 8, LABELS[what] ?? what, ours ? 'font-weight="bold"' : ''),
    `<rect x="16" y="${y - 3}" width="${width}" height="${BAR}" rx="2" fill="${fill}"/>`,
    text(Number(width) + 24, y + 9, `${wallSeconds.toFixed(2)} s`, ''),
  ];
}

function text(x: number, y: number, content: string, attributes: string): string {
  return `<text x="${x}" y="${y}" ${attributes}>${content}</text>`;
}

/** `bun bench/chart.ts` draws what the last bench has measured. */
if (import.meta.main) {
  const results = await Bun.file(join(import.meta.dir, 'results.json')).json();
  await Bun.write(join(import.meta.dir, 'chart.svg'), chart(results));
}
