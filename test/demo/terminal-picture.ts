const COLUMN = 7.8;
const ROW = 18;
const MARGIN = 18;
const TITLE_BAR = 30;

/**
 * A terminal of `columns` that shows `lines`, as an SVG. It brings its own dark ground, and so looks the
 * same on light and on dark pages; every line is stretched to its cells, whatever the font.
 */
export function terminalPicture(title: string, lines: readonly string[], columns: number): string {
  const width = Math.ceil(columns * COLUMN + 2 * MARGIN);
  const height = TITLE_BAR + lines.length * ROW + MARGIN;
  const dots = ['#ff5f57', '#febc2e', '#28c840'].map(
    (colour, at) => `<circle cx="${20 + at * 20}" cy="16" r="6" fill="${colour}"/>`,
  );
  const texts = lines.flatMap((line, at) => lineText(line, TITLE_BAR + (at + 1) * ROW - 4));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="13">
<title>${escapeXml(title)}</title>
<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8" fill="#16191f" stroke="#3a404b"/>
${dots.join('')}
${texts.join('\n')}
</svg>
`;
}

function lineText(line: string, y: number): readonly string[] {
  if (line === '') return [];
  const indent = line.length - line.trimStart().length;
  const text = line.trimStart();
  const place = `x="${(MARGIN + indent * COLUMN).toFixed(1)}" y="${y}"`;
  const length = `textLength="${(text.length * COLUMN).toFixed(1)}"`;
  return [
    `<text ${place} ${length} xml:space="preserve" ${styleOf(line)}>${escapeXml(text)}</text>`,
  ];
}

/** What is typed, what a run came to, warnings, and the rest. */
function styleOf(line: string): string {
  if (/^(\$| {4}--)/.test(line)) return 'fill="#7ee0f2"';
  if (/^(Full load|Increment|Nothing new)/.test(line)) return 'fill="#ffffff" font-weight="bold"';
  if (/^Warning/.test(line)) return 'fill="#f5d76e"';
  return 'fill="#c9d1d9"';
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
