import type { Plan } from '../../plan/plan.ts';

/** Where in a COPY an error was met. */
export interface RowPlace {
  /** The row, counted from 1. */
  readonly line: number;
  /** The target's name of the column; undefined: the row as a whole. */
  readonly column: string | undefined;
}

/**
 * SQLSTATEs of bad data, broken constraints, limits of a row, and a trigger's own. A full disk or a
 * lost connection also tells the line where it met the COPY, which is no fault of that row.
 */
const ROW_ERRORS = /^(?:21|22|23|42|44|54|P0)/;

/**
 * The place that the server tells in the context of an error, `COPY t, line 5, column c: "x"`, in
 * whatever language: by the name of the table that comes first, the number after it, and the name of
 * a column before the colon or the end. A NULL in a NOT NULL column has its name in a field of its own.
 */
export function rowPlace(
  plan: Pick<Plan, 'copy' | 'columns'>,
  error: unknown,
): RowPlace | undefined {
  const { code, where = '', column_name } = error as Partial<Record<string, string>>;
  if (!ROW_ERRORS.test(code ?? '')) return undefined;
  const table = RegExp.escape(copiedTable(plan.copy));
  const [, line, rest = ''] =
    new RegExp(`^(?:COPY )?${table}[^\\d\\n]+(\\d+)([^]*)`, 'm').exec(where) ?? [];
  if (line === undefined) return undefined;
  const names = plan.columns.flatMap(({ target }) => (target === undefined ? [] : [target]));
  return { line: Number(line), column: columnIn(rest, names) ?? column_name };
}

/** The longest of the names that stands right before the colon; in some languages a word is in between. */
function columnIn(rest: string, names: readonly string[]): string | undefined {
  const longestFirst = names.toSorted((a, b) => b.length - a.length);
  const endsWith = (end: string) =>
    longestFirst.find((name) =>
      new RegExp(`^[^:："«»\\n]*[\\s、]${RegExp.escape(name)}${end}\\s?(?:[:：]|$)`, 'mu').test(
        rest,
      ),
    );
  return endsWith('') ?? endsWith('\\s\\p{L}+');
}

/** The name of the table in a COPY statement of the plan. */
function copiedTable(copy: string): string {
  const name = String.raw`"(?:[^"]|"")+"|[^\s".(]+`;
  const [, table = ''] = new RegExp(`^COPY (?:(?:${name})\\.)?(${name}) \\(`).exec(copy) ?? [];
  return table.startsWith('"') ? table.slice(1, -1).replaceAll('""', '"') : table;
}
