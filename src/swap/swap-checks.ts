import { hasCode, ProjectorError } from '../errors.ts';
import { quoteTable, type TableName } from '../postgres/quoting.ts';
import type { Handle } from './catalog.ts';
import { type Dependents, readDependents } from './dependencies/dependents.ts';
import { differences } from './dependencies/differences.ts';
import type { AddedColumn } from './objects/columns.ts';
import { isAmong } from './of-table.ts';

/**
 * Reads again what depends on the target: DEPENDENTS_CHANGED names what is not as the plan read it, also
 * where a full load would be refused by now.
 */
export async function requireUnchanged(
  sql: Handle,
  target: TableName,
  dependents: Dependents,
): Promise<void> {
  const now = await readDependents(sql, target).catch((error: unknown) => {
    throw refusedByNow(target, error);
  });
  if (now === undefined) throw changed(target, ['the table']);
  if (now.fingerprint !== dependents.fingerprint) {
    throw changed(target, differences(dependents, now));
  }
}

/** A refusal of what the plan has not met is a change; any other error stays what it is. */
function refusedByNow(target: TableName, error: unknown): unknown {
  const isRefusal =
    hasCode(error, 'UNSUPPORTED_DEPENDENT') || hasCode(error, 'INSUFFICIENT_PRIVILEGE');
  if (!isRefusal) return error;
  const { code, message, cause } = changed(target, [error.message], error);
  const hint = `Nothing was changed by this run. Before the next: ${error.hint}`;
  return new ProjectorError({ code, message, hint, cause });
}

/** The proof that nothing was lost: the new table reads as the old one did, but for added columns. */
export async function requireComplete(
  sql: Handle,
  target: TableName,
  dependents: Dependents,
  added: readonly AddedColumn[],
): Promise<void> {
  const now = await readDependents(sql, target);
  const lost =
    now === undefined
      ? ['the table']
      : differences(dependents, withoutAdded(dependents, now, added));
  if (lost.length === 0) return;
  throw new ProjectorError({
    code: 'SWAP_INCOMPLETE',
    message: `the new ${quoteTable(target)} would differ from the old one in ${lost.join(', ')}`,
    hint: 'Nothing was changed. Please report this, with the definition of what is named.',
  });
}

/** `now` without the added columns and the comments on them, which the old table has not. */
function withoutAdded(
  { tables, target, commentsAndLabels }: Dependents,
  now: Dependents,
  added: readonly AddedColumn[],
): Dependents {
  if (added.length === 0) return now;
  const names = new Set(added.map(({ name }) => name));
  const before = new Set(commentsAndLabels.map(({ object }) => object));
  return {
    ...now,
    columns: now.columns.filter(
      ({ table, name }) => !isAmong([target, ...tables], table) || !names.has(name),
    ),
    commentsAndLabels: now.commentsAndLabels.filter(({ object }) => before.has(object)),
  };
}

/** DEPENDENTS_CHANGED: the plan no longer fits what is there. */
export function changed(
  target: TableName,
  what: readonly string[],
  cause?: unknown,
): ProjectorError {
  return new ProjectorError({
    code: 'DEPENDENTS_CHANGED',
    message: `while the rows were loaded, ${quoteTable(target)} or what depends on it changed: ${what.join(', ')}`,
    hint: 'Nothing was changed by this run. Run again: the next full load starts from what is there now.',
    cause,
  });
}
