import { ProjectorError } from '../errors.ts';
import { quoteTable, type TableName } from '../postgres/quoting.ts';
import type { Handle } from './catalog.ts';
import { type Dependents, readDependentsInside } from './dependencies/dependents.ts';
import { differences } from './dependencies/differences.ts';
import type { AddedColumn } from './objects/columns.ts';

/** Reads again what hangs on the target: DEPENDENTS_CHANGED names what is not as the plan read it. */
export async function requireUnchanged(
  sql: Handle,
  target: TableName,
  dependents: Dependents,
): Promise<void> {
  const now = await readDependentsInside(sql, target);
  if (now === undefined) throw changed(target, ['the table']);
  if (now.fingerprint !== dependents.fingerprint) {
    throw changed(target, differences(dependents, now));
  }
}

/** The proof that nothing was lost: the new table reads as the old one did, but for added columns. */
export async function requireComplete(
  sql: Handle,
  target: TableName,
  dependents: Dependents,
  added: readonly AddedColumn[],
): Promise<void> {
  const now = await readDependentsInside(sql, target);
  const names = new Set(added.map(({ name }) => name));
  const told = new Set(dependents.commentsAndLabels.map(({ object }) => object));
  const lost =
    now === undefined
      ? ['the table']
      : differences(dependents, {
          ...now,
          columns: now.columns.filter(({ name }) => !names.has(name)),
          // The comment on an added column has nothing to be compared with.
          commentsAndLabels: now.commentsAndLabels.filter(
            ({ object }) => names.size === 0 || told.has(object),
          ),
        });
  if (lost.length === 0) return;
  throw new ProjectorError({
    code: 'SWAP_INCOMPLETE',
    message: `the new ${quoteTable(target)} would differ from the old one in ${lost.join(', ')}`,
    hint: 'Nothing was changed. Please report this, with the definition of what is named.',
  });
}

/** DEPENDENTS_CHANGED: the plan no longer fits what is there. */
export function changed(
  target: TableName,
  what: readonly string[],
  cause?: unknown,
): ProjectorError {
  return new ProjectorError({
    code: 'DEPENDENTS_CHANGED',
    message: `while the rows were loaded, ${quoteTable(target)} or what hangs on it changed: ${what.join(', ')}`,
    hint: 'Nothing was changed by this run. Run again: the next full load starts from what is there now.',
    cause,
  });
}
