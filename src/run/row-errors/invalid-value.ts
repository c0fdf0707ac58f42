import type { ArrayFault } from '../../copy/row-error.ts';
import { messageOf, ProjectorError } from '../../errors.ts';
import type { Column } from '../../plan/export-column.ts';
import type { Plan } from '../../plan/plan.ts';
import { quoteIdentifier, quoteTable } from '../../postgres/quoting.ts';
import { PROGRAM_LIMIT_EXCEEDED, UNTRANSLATABLE_CHARACTER } from '../../postgres/sqlstates.ts';
import type { Row } from './find-row.ts';
import { condition, cut, rowQuery, tellingConditions, type Value } from './row-query.ts';

/** A value that its column does not take: `found` is it, as far as it is known. */
export function invalidValue(
  plan: Plan,
  column: Column,
  found: Value,
  reason: string,
  cause: unknown,
): ProjectorError {
  const value = column.array && typeof found === 'string' ? elementsOf(found) : found;
  const into = `column ${quoteIdentifier(column.target ?? column.source)} (${column.targetType}) of ${quoteTable(plan.target)}`;
  const isNull = value === undefined && column.notNull;
  const shown = isNull ? 'NULL' : value === undefined ? 'a value' : shownValue(value);
  const alter = `ALTER TABLE ${quoteTable(plan.target)} ALTER COLUMN ${quoteIdentifier(column.target ?? '')}`;
  const allow = isNull
    ? ` Or allow it: ${alter} DROP NOT NULL;`
    : isNulInJson(column, cause)
      ? ` Or keep them as they are, in a type that takes U+0000: ${alter} TYPE json;`
      : '';
  return new ProjectorError({
    code: 'VALUE_DOES_NOT_FIT',
    message: `${shown} of ${column.source} (${column.sourceType}) does not fit into ${into}: ${reason}`,
    hint: `Find the rows in BigQuery: ${rowQuery(plan, condition(column, value, isNull))}${allow}`,
    cause,
  });
}

/** jsonb cannot hold the escape \u0000, and json does. */
function isNulInJson({ targetType }: Column, cause: unknown): boolean {
  return targetType === 'jsonb' && (cause as ServerError).code === UNTRANSLATABLE_CHARACTER;
}

interface ServerError {
  readonly code?: string;
  readonly detail?: string;
  readonly constraint_name?: string;
}

function rowTooLarge(plan: Plan, cause: unknown): ProjectorError {
  return new ProjectorError({
    code: 'ROW_TOO_LARGE',
    message: `a row does not fit into a page of ${quoteTable(plan.target)}: ${messageOf(cause)}`,
    hint: 'Read the table through a view that packs columns into a STRUCT: jsonb is stored beside the row.',
    cause,
  });
}

/** A row that breaks a CHECK: no one column is to blame. */
export function invalidRow(plan: Plan, row: Row | undefined, cause: unknown): ProjectorError {
  const { code, detail, constraint_name } = cause as ServerError;
  if (code === PROGRAM_LIMIT_EXCEEDED) return rowTooLarge(plan, cause);
  const told = detail === undefined ? '' : ` ${[...detail].slice(0, 300).join('')}`;
  const change =
    constraint_name === undefined
      ? 'Correct it, and run again.'
      : `Correct it, or drop or change the constraint ${quoteIdentifier(constraint_name)}.`;
  return new ProjectorError({
    code: 'ROW_DOES_NOT_FIT',
    message: `a row does not fit into ${quoteTable(plan.target)}: ${messageOf(cause)}.${told}`,
    hint: `Find the row in BigQuery: ${rowQuery(plan, tellingConditions(plan, row))} ${change}`,
    cause,
  });
}

function shownValue(value: string | readonly string[] | ArrayFault): string {
  if (typeof value === 'string' || !('elements' in value)) return `the value ${quoted(value)}`;
  const { elements } = value;
  if (elements === 'NULL') return 'an array with a NULL';
  return `an array of ${elements} element${elements === 1 ? '' : 's'}`;
}

function quoted(value: string | readonly string[]): string {
  if (typeof value !== 'string')
    return `[${value.slice(0, 5).map(quoted).join(', ')}${value.length > 5 ? ', ...' : ''}]`;
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
