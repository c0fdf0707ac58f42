/** As much of a terminal as the report makes use of: wrapping, cursor moves and erasing. */
export interface Screen {
  readonly stream: NodeJS.WriteStream;
  /** What a person sees, without spaces at the ends of lines and empty lines at the end. */
  readonly lines: () => string[];
}

export function newScreen(columns: number): Screen {
  const rows: string[][] = [[]];
  let row = 0;
  let column = 0;

  function put(character: string): void {
    if (column === columns) lineFeed();
    rowAt(row)[column++] = character;
  }

  function lineFeed(): void {
    row++;
    column = 0;
    rowAt(row);
  }

  function rowAt(index: number): string[] {
    while (rows.length <= index) rows.push([]);
    return rows[index] ?? [];
  }

  function control(code: string, count: number): void {
    if (code === 'A') row = Math.max(0, row - count);
    else if (code === 'G') column = count - 1;
    else if (code === 'K')
      rowAt(row).length = count === 2 ? 0 : Math.min(column, rowAt(row).length);
    else if (code === 'J') {
      rowAt(row).length = Math.min(column, rowAt(row).length);
      rows.length = row + 1;
    } else throw new Error(`the screen does not know ESC [ ${code}`);
  }

  function write(text: string): boolean {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: terminals are driven by these
    for (const [token, count, code] of text.matchAll(/\u001b\[(\d*)([A-Z])|./gsu)) {
      if (code !== undefined) control(code, count === '' ? 1 : Number(count));
      else if (token === '\n') lineFeed();
      else put(token);
    }
    return true;
  }

  const stream = { write, columns, isTTY: true } as unknown as NodeJS.WriteStream;
  const lines = () => {
    const text = rows.map((cells) =>
      Array.from(cells, (cell) => cell ?? ' ')
        .join('')
        .trimEnd(),
    );
    return text.join('\n').trimEnd().split('\n');
  };
  return { stream, lines };
}
