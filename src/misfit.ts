import { readBlocks } from './avro/blocks.ts';
import type { Header } from './avro/header.ts';
import type { Split } from './avro/splits.ts';
import type { ObjectStore } from './clients/storage.ts';
import type { Column } from './columns.ts';
import { Cursor, MalformedBlock, ValueMisfit } from './copy/cursor.ts';
import { KINDS, type Kind } from './copy/kinds.ts';
import { rowReader } from './copy/text-encoder.ts';
import { messageOf, ProjectorError } from './errors.ts';
import { quoteBigQueryString, quoteIdentifier, quoteTable } from './identifiers.ts';
import type { Plan } from './plan.ts';
import { sourcePath } from './source.ts';
import { windowFilter } from './window.ts';

/** Where the rows of the COPY that failed came from. */
export interface RowSource {
  readonly store: ObjectStore;
  readonly headerOf: (split: Split) => Promise<Header>;
  readonly splits: readonly Split[];
  readonly signal: AbortSignal;
}

/**
 * Turns the failure of a COPY into one that names the table, the column, the value and the query
 * that finds it in BigQuery. What is no matter of a row is thrown on as it is.
 */
export function explainRowError(plan: Plan, rows: RowSource): (error: unknown) => Promise<never> {
  return async (error) => {
    if (error instanceof ValueMisfit) throw ourMisfit(plan, error);
    if (error instanceof MalformedBlock) throw malformedObject(rows, error);
    const place = placeOf(error);
    if (place === undefined) throw error;
    const column = plan.columns.find(
      ({ target }) => target !== undefined && target === place.column,
    );
    const row = await findRow(plan, rows, place.line).catch(() => undefined);
    if (column === undefined) throw misfitRow(plan, row, error);
    throw misfit(plan, column, row?.[plan.columns.indexOf(column)], messageOf(error), error);
  };
}

function ourMisfit(plan: Plan, error: ValueMisfit): Error {
  const column = plan.columns[(error as ValueMisfit & { column?: number }).column ?? -1];
  if (column === undefined) return error;
  const { value } = error;
  const text = typeof value === 'string' ? value : `\\x${Buffer.from(value).toString('hex')}`;
  // An encoder stops at the element that does not fit, not at its array.
  return misfit(plan, column, column.array ? [text] : text, error.message, error);
}

function malformedObject(rows: RowSource, cause: MalformedBlock): ProjectorError {
  const names = rows.splits.map(({ object }) => `gs://${object.bucket}/${object.name}`);
  return new ProjectorError({
    code: 'BAD_AVRO',
    message: `${[...new Set(names)].join(', ')}: not the Avro that its schema announces: ${cause.message}`,
    next: 'Run again; if it happens again, whatever wrote the export wrote it wrongly.',
    cause,
  });
}

interface RowPlace {
  readonly line: number;
  /** undefined: the row as a whole. */
  readonly column: string | undefined;
}

/**
 * The server tells the place in the error's context: `COPY t, line 5, column c`. A NULL in a NOT NULL
 * column has its name in a field of its own.
 */
function placeOf(error: unknown): RowPlace | undefined {
  const { code, where = '', column_name } = error as Partial<Record<string, string>>;
  if (!ROW_ERRORS.test(code ?? '')) return undefined;
  const match = /^COPY .*?, line (\d+)(?:, column (.*?))?(?:: (?:".*|null input))?$/ms.exec(where);
  return match?.[1] ? { line: Number(match[1]), column: match[2] ?? column_name } : undefined;
}

/**
 * SQLSTATEs of bad data, broken constraints, limits of a row, and a trigger's own. A full disk or a
 * lost connection also tells the line where it met the COPY, which is no fault of that row.
 */
const ROW_ERRORS = /^(?:21|22|23|42|44|54|P0)/;

type Row = readonly (string | undefined)[];

/** Reads the export again up to the row, and takes its values as BigQuery wrote them. */
async function findRow(plan: Plan, rows: RowSource, line: number): Promise<Row | undefined> {
  const cursor = new Cursor(0, 0);
  let left = line;
  for (const split of rows.splits) {
    const header = await rows.headerOf(split);
    const read = rowReader(plan.columns, header.fields);
    for await (const block of readBlocks(rows.store, header, split, rows.signal)) {
      cursor.read(block.bytes);
      for (let row = 0; row < block.rows; row += 1) {
        const cells = read(cursor);
        left -= 1;
        if (left === 0) return cells;
      }
    }
  }
  return undefined;
}

/** A value; for arrays, some of the elements. */
type Value = string | readonly string[] | undefined;

function misfit(
  plan: Plan,
  column: Column,
  found: Value,
  reason: string,
  cause: unknown,
): ProjectorError {
  const value = column.array && typeof found === 'string' ? elementsOf(found) : found;
  const into = `column ${quoteIdentifier(column.target ?? column.source)} (${column.targetType}) of ${quoteTable(plan.target)}`;
  const isNull = value === undefined && column.notNull;
  const shown = isNull
    ? 'NULL'
    : value === undefined
      ? 'a value'
      : `the value ${shownValue(value)}`;
  const allow = isNull
    ? ` Or allow it: ALTER TABLE ${quoteTable(plan.target)} ALTER COLUMN ${quoteIdentifier(column.target ?? '')} DROP NOT NULL;`
    : '';
  return new ProjectorError({
    code: 'VALUE_DOES_NOT_FIT',
    message: `${shown} of ${column.source} (${column.sourceType}) does not fit into ${into}: ${reason}`,
    next: `Find the rows in BigQuery: ${rowQuery(plan, condition(column, value, isNull))}${allow}`,
    cause,
  });
}

/** Columns that are enough to find a row again. */
const TELLING_COLUMNS = 4;

interface ServerError {
  readonly code?: string;
  readonly detail?: string;
  readonly constraint_name?: string;
}

/** program_limit_exceeded. The server writes rows in bunches, so it does not tell which one it was. */
const ROW_TOO_LARGE = '54000';

function rowTooLarge(plan: Plan, cause: unknown): ProjectorError {
  return new ProjectorError({
    code: 'ROW_TOO_LARGE',
    message: `a row does not fit into a page of ${quoteTable(plan.target)}: ${messageOf(cause)}`,
    next: 'Read the table through a view that packs columns into a STRUCT: jsonb is stored beside the row.',
    cause,
  });
}

/** A row that breaks a CHECK: no one column is to blame. */
function misfitRow(plan: Plan, row: Row | undefined, cause: unknown): ProjectorError {
  const { code, detail, constraint_name } = cause as ServerError;
  if (code === ROW_TOO_LARGE) return rowTooLarge(plan, cause);
  const telling = plan.columns.flatMap((column, i) => {
    const value = row?.[i];
    return value === undefined || column.array || value.length > SHOWN_CHARACTERS
      ? []
      : [{ column, value }];
  });
  const conditions = telling
    .sort((a, b) => Number(b.column.watermark) - Number(a.column.watermark))
    .slice(0, TELLING_COLUMNS)
    .map(({ column, value }) => condition(column, value, false));
  const told = detail === undefined ? '' : ` ${[...detail].slice(0, 300).join('')}`;
  const change =
    constraint_name === undefined
      ? 'Correct it, and run again.'
      : `Correct it, or drop or change the constraint ${quoteIdentifier(constraint_name)}.`;
  return new ProjectorError({
    code: 'ROW_DOES_NOT_FIT',
    message: `a row does not fit into ${quoteTable(plan.target)}: ${messageOf(cause)}.${told}`,
    next: `Find the row in BigQuery: ${rowQuery(plan, conditions.join(' AND ') || 'TRUE')} ${change}`,
    cause,
  });
}

/** With the window too, where the table takes no query without a filter on its partitions. */
function rowQuery({ source, window }: Plan, found: string): string {
  const filter = windowFilter(source.watermark, window);
  const where = source.filterColumn === undefined ? found : `${found} AND (${filter})`;
  return `SELECT * FROM ${sourcePath(source.name)} WHERE ${where};`;
}

const SHOWN_CHARACTERS = 100;

function cut(text: string): string {
  return [...text.slice(0, 2 * SHOWN_CHARACTERS)].slice(0, SHOWN_CHARACTERS).join('');
}

function shownValue(value: string | readonly string[]): string {
  if (typeof value !== 'string')
    return `[${value.slice(0, 5).map(shownValue).join(', ')}${value.length > 5 ? ', ...' : ''}]`;
  const shown = cut(value);
  return (
    JSON.stringify(shown) +
    (shown.length < value.length ? ` (cut, ${value.length} characters)` : '')
  );
}

/** The elements of an array in Postgres's braces, as the text encoder writes it: each in quotes. */
function elementsOf(text: string): readonly string[] {
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"/gs)].map(([, element = '']) =>
    element.replace(/\\(.)/gs, '$1'),
  );
}

/** The export's own expression, compared with the value that it had. */
function condition(column: Column, value: Value, isNull: boolean): string {
  const x = column.expression;
  if (isNull) return `${x} IS NULL`;
  if (value === undefined) return `${x} IS NOT NULL`;
  if (typeof value === 'string') return equals(column.kind, x, value);
  const [element] = value;
  if (element === undefined) return `ARRAY_LENGTH(${x}) = 0`;
  // One of the elements is to blame; whichever it is, such an array has this one too.
  return `EXISTS (SELECT 1 FROM UNNEST(${x}) AS e WHERE ${equals(column.kind, 'e', element)})`;
}

function equals(kind: Kind, x: string, value: string): string {
  switch (KINDS[kind].avro) {
    case 'string':
      return startsWith(x, value);
    case 'bytes':
      return startsWith(`TO_HEX(${x})`, value.replace(/^\\x/, ''));
    case 'boolean':
      return `${x} = ${value === 't'}`;
    default:
      return equalsNumber(x, value);
  }
}

function startsWith(x: string, value: string): string {
  const start = cut(value);
  const literal = quoteBigQueryString(start).replace(
    CONTROL_CHARACTERS,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return start === value ? `${x} = ${literal}` : `STARTS_WITH(${x}, ${literal})`;
}

/** What cannot be pasted into a query as it is. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about
const CONTROL_CHARACTERS = /[\0-\x1f\x7f]/g;

function equalsNumber(x: string, value: string): string {
  if (value === 'NaN') return `IS_NAN(${x})`;
  if (value.endsWith('Infinity'))
    return `IS_INF(${x}) AND SIGN(${x}) = ${value.startsWith('-') ? -1 : 1}`;
  return `${x} = ${value}`;
}
