import { InvalidValueError, MalformedBlockError } from '../../copy/row-error.ts';
import { messageOf, ProjectorError } from '../../errors.ts';
import { gsUri } from '../../google/object-info.ts';
import type { RowSource } from '../../load/row-source.ts';
import type { Plan } from '../../plan/plan.ts';
import { PROGRAM_LIMIT_EXCEEDED } from '../../postgres/sqlstates.ts';
import { findRow } from './find-row.ts';
import { invalidRow, invalidValue } from './invalid-value.ts';
import { explainNoPartition } from './no-partition.ts';
import { rowPlace } from './row-place.ts';

/**
 * Turns the failure of a COPY into one that names the table, the column, the value and the query
 * that finds it in BigQuery. What is no matter of a row is thrown on as it is.
 */
export function explainCopyError(plan: Plan, rows: RowSource): (error: unknown) => Promise<never> {
  return async (error) => {
    if (error instanceof InvalidValueError) throw explainEncoderError(plan, error);
    if (error instanceof MalformedBlockError) throw malformedObject(rows, error);
    const place = rowPlace(plan, error);
    // An index, too, has a limit of rows: it is explained where the target's constraints are.
    if (place === undefined || isOfIndex(error)) throw error;
    const column = plan.columns.find(
      ({ target }) => target !== undefined && target === place.column,
    );
    const row = await findRow(plan, rows, place.line).catch(() => undefined);
    const noPartition = explainNoPartition(plan, error, row);
    if (noPartition !== undefined) throw noPartition;
    if (column === undefined) throw invalidRow(plan, row, error);
    throw invalidValue(plan, column, row?.[plan.columns.indexOf(column)], messageOf(error), error);
  };
}

function explainEncoderError(plan: Plan, error: InvalidValueError): Error {
  const column = plan.columns[(error as InvalidValueError & { column?: number }).column ?? -1];
  if (column === undefined) return error;
  const { value } = error;
  const text = typeof value === 'string' ? value : `\\x${Buffer.from(value).toString('hex')}`;
  // An encoder stops at the element that does not fit, not at its array.
  return invalidValue(plan, column, column.array ? [text] : text, error.message, error);
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
