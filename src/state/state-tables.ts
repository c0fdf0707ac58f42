import { messageOf, ProjectorError } from '../errors.ts';
import type { TableName } from '../postgres/quoting.ts';
import { hasSqlState, UNDEFINED_TABLE } from '../postgres/sqlstates.ts';

/** The program's own tables, all in one schema. */
export interface StateTables {
  readonly state: TableName;
  readonly runs: TableName;
  readonly splits: TableName;
}

/** Their names: no target can have one of them. */
export const STATE_TABLE_NAMES = ['sync_state', 'sync_runs', 'sync_splits'] as const;

/** The tables in `schema`. */
export function stateTables(schema: string): StateTables {
  return {
    state: { schema, name: 'sync_state' },
    runs: { schema, name: 'sync_runs' },
    splits: { schema, name: 'sync_splits' },
  };
}

/** Whether a statement failed because one of them is no longer there; also of what tells that. */
export function isStateGone(error: unknown): boolean {
  if (error instanceof ProjectorError) return isStateGone(error.cause);
  return hasSqlState(error, UNDEFINED_TABLE) && nameIn(error) !== undefined;
}

/** The server names what it misses, in the words of any language. */
function nameIn(error: unknown): string | undefined {
  return STATE_TABLE_NAMES.find((name) => new RegExp(`\\b${name}\\b`).test(messageOf(error)));
}

/** Tells (LEDGER_CHANGED) that a state table has gone while the run was under way; gives any other error back. */
export function explainStateGone(error: unknown): unknown {
  if (error instanceof ProjectorError || !isStateGone(error)) return error;
  return new ProjectorError({
    code: 'LEDGER_CHANGED',
    message: `the table ${nameIn(error)} is gone while this run is under way: somebody has dropped it, or the server has lost it`,
    hint: 'Run again: it makes the table anew. Where watermarks are lost with it, that is a full load of their targets.',
    cause: error,
  });
}
