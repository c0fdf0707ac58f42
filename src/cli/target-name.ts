import { parseTableName } from '../postgres/table-name.ts';
import { STATE_TABLE_NAMES } from '../state/state-tables.ts';
import { usageError } from './usage-error.ts';

/** `--pg-table`, taken apart; names as the catalog spells them. */
export interface TargetName {
  /** Undefined: the first schema of the search path that has the table, as in psql. */
  readonly schema: string | undefined;
  readonly name: string;
}

/** Reads `--pg-table`; refuses what PostgreSQL or this program reserves. */
export function readTargetName(text: string): TargetName {
  const target = parseTableName(text);
  // A target of that name would overwrite this program's state.
  if (STATE_TABLE_NAMES.some((own) => own === target.name)) {
    throw usageError(
      `--pg-table ${text}: bq_to_postgres keeps its own state in a table of that name`,
      'Choose another name for the target.',
    );
  }
  if (target.schema === 'information_schema' || target.schema?.startsWith('pg_')) {
    throw usageError(
      `--pg-table ${text}: PostgreSQL keeps the schema ${target.schema} for itself`,
      `Choose a schema of your own: --pg-table public.${target.name}.`,
    );
  }
  return target;
}
