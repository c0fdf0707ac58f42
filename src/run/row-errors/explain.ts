import { InvalidValueError, MalformedBlockError } from '../../copy/row-error.ts';
import { messageOf, ProjectorError } from '../../errors.ts';
import { gsUri } from '../../google/object-info.ts';
import type { RowSource } from '../../load/row-source.ts';
import type { Column } from '../../plan/export-column.ts';
import type { Plan } from '../../plan/plan.ts';
import { PROGRAM_LIMIT_EXCEEDED } from '../../postgres/sqlstates.ts';
import { findRow, type Row } from './find-row.ts';
import { invalidRow, invalidValue } from './invalid-value.ts';
import { explainNoPartition } from './no-partition.ts';
import { requireIntact } from './require-intact.ts';
import { type RowPlace, rowPlace } from './row-place.ts';
import type { Value } from './row-query.ts';

/**
 * Turns the failure of a COPY into one that names the table, the column, the value and the query
 * that finds it in BigQuery. What is no matter of a row is thrown on as it is. Before a value is
 * blamed, the object that holds it is compared with its checksum (CORRUPT_OBJECT): a flipped byte
 * makes values that BigQuery never wrote.
 */
export function explainCopyError(plan: Plan, rows: RowSource): (error: unknown) => Promise<never> {
  return async (error) => {
    const place = isOfEncoder(error) ? encoderPlace(error) : rowPlace(plan, error);
    // An index, too, has a limit of rows: it is explained where the target's constraints are.
    if (place === undefined || isOfIndex(error)) throw error;
    const found = await findRow(plan, rows, place.line).catch(() => undefined);
    const objects = found === undefined ? rows.splits.map(({ object }) => object) : [found.object];
    for (const object of new Set(objects)) await requireIntact(rows, object);
    if (error instanceof MalformedBlockError) throw malformedObject(rows, error);
    if (error instanceof InvalidValueError) throw explainEncoderError(plan, error);
    throw explainServerError(plan, place, found?.cells, error);
  };
}

function explainEncoderError(plan: Plan, error: InvalidValueError): Error {
  const column = plan.columns[error.column ?? -1];
  if (column === undefined) return error;
  return invalidValue(plan, column, foundIn(column, error.value), error.message, error);
}

/** An encoder stops at the element that does not fit, not at its array, unless that is at fault as a whole. */
function foundIn({ array }: Column, value: InvalidValueError['value']): Value {
  if (typeof value === 'string') return array ? [value] : value;
  if (!(value instanceof Uint8Array)) return value;
  const text = `\\x${Buffer.from(value).toString('hex')}`;
  return array ? [text] : text;
}

function explainServerError(
  plan: Plan,
  place: RowPlace,
  row: Row | undefined,
  error: unknown,
): ProjectorError {
  const noPartition = explainNoPartition(plan, error, row);
  if (noPartition !== undefined) return noPartition;
  const column = plan.columns.find(({ target }) => target !== undefined && target === place.column);
  if (column === undefined) return invalidRow(plan, row, error);
  return invalidValue(plan, column, row?.[plan.columns.indexOf(column)], messageOf(error), error);
}

function malformedObject(rows: RowSource, cause: MalformedBlockError): ProjectorError {
  const names = rows.splits.map(({ object }) => gsUri(object));
  return new ProjectorError({
    code: 'BAD_AVRO',
    message: `${[...new Set(names)].join(', ')}: not the Avro that its schema announces: ${cause.message}`,
    hint: 'Run again; if it happens again, whatever wrote the export wrote it wrongly.',
    cause,
  });
}

function isOfIndex(error: unknown): boolean {
  const { code, constraint_name: index } = error as Partial<Record<string, string>>;
  return code === PROGRAM_LIMIT_EXCEEDED && index !== undefined;
}

type EncoderError = InvalidValueError | MalformedBlockError;

function isOfEncoder(error: unknown): error is EncoderError {
  return error instanceof InvalidValueError || error instanceof MalformedBlockError;
}

/** An encoder counts rows from 0; where it has no row, it is about the block as a whole. */
function encoderPlace({ row = Infinity }: EncoderError): RowPlace {
  return { line: row + 1, column: undefined };
}
