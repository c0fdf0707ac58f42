import type { Result } from './results.ts';

const WIDTH = 760;
const BAR = 18;
const GAP = 6;
const LABEL = 190;

/** Wall time of each way to load the same rows, one group a shape, as an SVG. */
export function chart(results: readonly Result[]): string {
  const shown = results.filter(({ ratioToFloor }) => ratioToFloor !== null);
  const longest = Math.max(...shown.map(({ wallSeconds }) => wallSeconds));
  const parts: string[] = [];
  let y = 10;
  let shape = '';
  for (const each of shown) {
    if (each.shape !== shape) {
      shape = each.shape;
      y += BAR;
      parts.push(text(10, y, `${shape}, ${each.rows.toLocaleString('en-US')} rows`, 'bold'));
      y += GAP;
    }
    const width = Math.max(1, (each.wallSeconds / longest) * (WIDTH - LABEL - 130));
    const colour = /load|end-to-end/.test(each.what) ? '#2f6fde' : '#b8c0cc';
    parts.push(
      text(10, y + BAR - 5, `${each.what}, ${each.streams} stream${each.streams > 1 ? 's' : ''}`),
    );
    parts.push(
      `<rect x="${LABEL}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" fill="${colour}"/>`,
    );
    const figure = `${each.wallSeconds.toFixed(2)} s, ${each.ratioToFloor?.toFixed(2)} x`;
    parts.push(text(LABEL + width + 6, y + BAR - 5, figure));
    y += BAR + GAP;
  }
  const style = 'font-family="sans-serif" font-size="12"';
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y + 10}" ${style}>
<title>Seconds to load the same rows, by the way they are loaded</title>
<rect width="100%" height="100%" fill="white"/>
${parts.join('\n')}
</svg>
`;
}

function text(x: number, y: number, content: string, weight = 'normal'): string {
  return `<text x="${x.toFixed(1)}" y="${y}" font-weight="${weight}">${content}</text>`;
}
