import { readBlocks } from './avro/blocks.ts';
import type { Header } from './avro/header.ts';
import type { Split } from './avro/splits.ts';
import type { ObjectStore } from './clients/storage.ts';
import type { Column } from './columns.ts';
import { Cursor, MalformedBlock, ValueMisfit } from './copy/cursor.ts';
import { rowReader } from './copy/text-encoder.ts';
import { messageOf, ProjectorError } from './errors.ts';
import { quoteBigQueryString, quoteIdentifier, quoteTable } from './identifiers.ts';
import type { Plan } from './plan.ts';
import { sourcePath } from './source.ts';

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
    const column = plan.columns.find(({ target }) => target === place?.column);
    if (place === undefined || column === undefined) throw error;
    const value = await findValue(plan, rows, column, place.line).catch(() => undefined);
    throw misfit(plan, column, value, messageOf(error), error);
  };
}

function ourMisfit(plan: Plan, error: ValueMisfit): Error {
  const column = plan.columns[(error as ValueMisfit & { column?: number }).column ?? -1];
  if (column === undefined) return error;
  const { value } = error;
  const text = typeof value === 'string' ? value : Buffer.from(value).toString('hex');
  return misfit(plan, column, text, error.message, error);
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

/** The server tells the place in the error's context: `COPY t, line 5, column c`. */
function placeOf(error: unknown): { readonly line: number; readonly column: string } | undefined {
  const where = (error as { where?: string }).where ?? '';
  const match = /^COPY .*?, line (\d+), column (.*?)(?:: ".*)?$/ms.exec(where);
  return match?.[1] && match[2] ? { line: Number(match[1]), column: match[2] } : undefined;
}

/** Reads the export again up to the row, and takes the value as BigQuery wrote it. */
async function findValue(
  plan: Plan,
  rows: RowSource,
  column: Column,
  line: number,
): Promise<string | undefined> {
  const cursor = new Cursor(0, 0);
  const at = plan.columns.indexOf(column);
  let left = line;
  for (const split of rows.splits) {
    const header = await rows.headerOf(split);
    const read = rowReader(plan.columns, header.fields);
    for await (const block of readBlocks(rows.store, header, split, rows.signal)) {
      cursor.read(block.bytes);
      for (let row = 0; row < block.rows; row += 1) {
        const cells = read(cursor);
        left -= 1;
        if (left === 0) return cells[at];
      }
    }
  }
  return undefined;
}

const SHOWN_CHARACTERS = 100;

function misfit(
  plan: Plan,
  column: Column,
  value: string | undefined,
  reason: string,
  cause: unknown,
): ProjectorError {
  const { source } = plan;
  const into = `column ${quoteIdentifier(column.target ?? column.source)} (${column.targetType}) of ${quoteTable(plan.target)}`;
  const shown = value === undefined ? 'a value' : `the value ${quoteValue(value)}`;
  return new ProjectorError({
    code: 'VALUE_DOES_NOT_FIT',
    message: `${shown} of ${column.source} (${column.sourceType}) does not fit into ${into}: ${reason}`,
    next: `Find the rows in BigQuery: SELECT * FROM ${sourcePath(source.name)} WHERE ${condition(column, value)};`,
    cause,
  });
}

function quoteValue(value: string): string {
  const shown = [...value].slice(0, SHOWN_CHARACTERS).join('');
  return (
    JSON.stringify(shown) +
    (shown.length < value.length ? ` (cut, ${value.length} characters)` : '')
  );
}

/** The export's own expression, compared with the value that it had. */
function condition(column: Column, value: string | undefined): string {
  const x = column.expression;
  if (value === undefined || column.array) return `${x} IS NOT NULL`;
  switch (column.kind) {
    case 'text':
    case 'jsonb':
    case 'numeric':
    case 'uuid':
      return value.length <= SHOWN_CHARACTERS
        ? `${x} = ${quoteBigQueryString(value)}`
        : `STARTS_WITH(${x}, ${quoteBigQueryString(value.slice(0, SHOWN_CHARACTERS))})`;
    case 'bytea':
    case 'bytesAsUuid':
      return `TO_HEX(${x}) = '${value.replace(/^\\x/, '').slice(0, 2000)}'`;
    case 'bool':
      return `${x} = ${value === 't'}`;
    default:
      return numberCondition(x, value);
  }
}

function numberCondition(x: string, value: string): string {
  if (value === 'NaN') return `IS_NAN(${x})`;
  if (value.endsWith('Infinity'))
    return `IS_INF(${x}) AND SIGN(${x}) = ${value.startsWith('-') ? -1 : 1}`;
  return `${x} = ${value}`;
}
