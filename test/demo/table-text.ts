/** The answer to a query, as text. */
export interface TextTable {
  readonly columns: readonly { readonly name: string; readonly numeric: boolean }[];
  readonly rows: readonly (readonly (string | null)[])[];
}

const GAP = 3;

/**
 * A table as psql prints it: centred headings, numbers to the right, the count of rows below. The
 * widest columns are cut until a line has `maxColumns` characters at most, which psql would not do.
 */
export function tableText({ columns, rows }: TextTable, maxColumns = Number.POSITIVE_INFINITY) {
  const cells = rows.map((row) => row.map((value) => value ?? ''));
  const widths = columns.map(({ name }, at) =>
    Math.max(name.length, ...cells.map((row) => row[at]?.length ?? 0)),
  );
  shrink(widths, maxColumns);
  const headings = columns.map(({ name }, at) => centred(cut(name, widths[at]), widths[at]));
  const lines = cells.map((row) =>
    row.map((value, at) => {
      const text = cut(value, widths[at]);
      return columns[at]?.numeric ? text.padStart(widths[at] ?? 0) : text.padEnd(widths[at] ?? 0);
    }),
  );
  return [
    ` ${headings.join(' | ')}`.trimEnd(),
    widths.map((width) => '-'.repeat(width + 2)).join('+'),
    ...lines.map((line) => ` ${line.join(' | ')}`.trimEnd()),
    `(${rows.length} ${rows.length === 1 ? 'row' : 'rows'})`,
  ].join('\n');
}

function shrink(widths: number[], maxColumns: number): void {
  const room = maxColumns - GAP * widths.length + 1;
  while (widths.reduce((sum, width) => sum + width, 0) > room) {
    const widest = Math.max(...widths);
    if (widest <= 1) return;
    widths[widths.indexOf(widest)] = widest - 1;
  }
}

function cut(text: string, width = 0): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}

function centred(text: string, width = 0): string {
  return text.padStart(text.length + Math.floor((width - text.length) / 2)).padEnd(width);
}
