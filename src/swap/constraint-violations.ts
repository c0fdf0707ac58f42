import { ProjectorError } from '../errors.ts';
import { quoteIdentifier, quoteTable, type TableName } from '../postgres/quoting.ts';
import {
  FOREIGN_KEY_VIOLATION,
  INTEGRITY_VIOLATION_CLASS,
  PROGRAM_LIMIT_EXCEEDED,
} from '../postgres/sqlstates.ts';

/** The fields of a server's error that name what was broken and by what. */
interface ServerError {
  readonly code: string;
  readonly message: string;
  readonly detail?: string;
  readonly constraint_name?: string;
  readonly column_name?: string;
  readonly schema_name?: string;
  readonly table_name?: string;
}

function isViolation(error: unknown): error is ServerError {
  return isServerError(error) && error.code.startsWith(INTEGRITY_VIOLATION_CLASS);
}

/** Whether `error` came from the server, and so has a SQLSTATE. No class of them begins with E: EPIPE is none. */
export function isServerError(error: unknown): error is ServerError {
  return error instanceof Error && 'code' in error && SQLSTATE.test(String(error.code));
}

const SQLSTATE = /^[0-9FHPX][0-9A-Z]{4}$/;

/**
 * What to tell of rows that break a constraint of the target (CONSTRAINT_VIOLATED): the constraint by
 * its own name, and an example. Any other error is given back as it is. `known` is the constraint
 * or index that was being made, where staging has it under another name.
 */
export function explainViolation(error: unknown, target: TableName, known?: string): unknown {
  const index = known ?? (isServerError(error) ? error.constraint_name : undefined);
  if (isServerError(error) && error.code === PROGRAM_LIMIT_EXCEEDED && index !== undefined) {
    return indexRowTooLarge(error, target, index);
  }
  if (!isViolation(error)) return error;
  const other = error.code === FOREIGN_KEY_VIOLATION && known === undefined;
  const table =
    other && error.schema_name !== undefined && error.table_name !== undefined
      ? { schema: error.schema_name, name: error.table_name }
      : target;
  const broken = known ?? error.constraint_name ?? error.column_name;
  const what =
    broken === undefined
      ? `a constraint of ${quoteTable(table)}`
      : `${quoteIdentifier(broken)} of ${quoteTable(table)}`;
  return new ProjectorError({
    code: 'CONSTRAINT_VIOLATED',
    message: `the new rows break ${what}: ${error.detail ?? error.message}`,
    hint: `Correct the rows in BigQuery, or drop or change ${what}, and run again; nothing was changed.`,
    cause: error,
  });
}

/** A value that an index under construction has no room for. */
function indexRowTooLarge(cause: ServerError, target: TableName, index: string): ProjectorError {
  return new ProjectorError({
    code: 'INDEX_ROW_TOO_LARGE',
    message: `a value is too long for the index ${quoteIdentifier(index)} of ${quoteTable(target)}: ${cause.message}`,
    hint: `Index a part or a hash of the column: left(column, 500), md5(column), or USING hash; then drop ${quoteIdentifier(index)}.`,
    cause,
  });
}
