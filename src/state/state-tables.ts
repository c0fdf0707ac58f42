import type { TableName } from '../postgres/quoting.ts';

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
