import {
  isSameTable,
  quoteIdentifier,
  quoteLiteral,
  quoteTable,
  type TableName,
} from '../../postgres/quoting.ts';
import type { Dependents } from '../dependencies/dependents.ts';
import { createCheck } from '../objects/check-constraints.ts';
import {
  type AddedColumn,
  addedColumnDefinition,
  type Column,
  columnDefinition,
  columnSettings,
  unvalidatedNotNulls,
} from '../objects/columns.ts';
import { revokeDefaults } from '../objects/grants.ts';
import { copySequenceState, type Sequence, stagingSequence } from '../objects/sequences.ts';
import { createTable } from '../objects/table.ts';
import { WRITING_SETTINGS } from '../session-settings.ts';
import type { SwapPlan } from '../swap-plan.ts';

/**
 * Statements that create the staging table in the target's schema: the columns as they are, then
 * the added ones, with the checks, and without indexes, so that rows go in fast. Nobody but the
 * owner has any right on it. Run them in one transaction. Where there is no target yet, the table
 * has the added columns only, and default privileges apply.
 */
export function stagingStatements(plan: SwapPlan): readonly string[] {
  const { dependents, target, staging, added } = plan;
  const addedColumns = added.map((column) => addedColumnDefinition(target, column));
  if (dependents === undefined) {
    return [
      `CREATE TABLE ${quoteTable(staging)} (${addedColumns.join(', ')})`,
      ...addedComments(staging, added),
    ];
  }
  const columns = dependents.columns.filter(({ table }) => isSameTable(table, target));
  const owner = quoteIdentifier(dependents.target.owner);
  return [
    ...WRITING_SETTINGS,
    ...createTable(dependents.target, staging, [
      ...columnDefinitions(dependents, staging, columns),
      ...addedColumns,
    ]),
    ...stagingSequences(dependents, staging).flatMap(({ former, fresh }) =>
      copySequenceState(fresh, former),
    ),
    ...keepPrivate(dependents, staging),
    ...columns.flatMap((column) => columnSettings(staging, column)),
    ...columns.flatMap((column) => unvalidatedNotNulls(staging, column)),
    ...dependents.checks.flatMap((check) => createCheck(check, staging)),
    ...addedComments(staging, added),
    `ALTER TABLE ${quoteTable(staging)} OWNER TO ${owner}`,
    // Default privileges can withhold even the owner's own rights; the swap sets all of them.
    `GRANT ALL ON TABLE ${quoteTable(staging)} TO ${owner}`,
  ];
}

/** The identity sequences of the target, under the names that they have on staging. */
export function stagingSequences(
  dependents: Dependents,
  staging: TableName,
): readonly { readonly former: Sequence; readonly fresh: Sequence }[] {
  return dependents.sequences
    .filter(({ identity }) => identity)
    .map((former) => ({ former, fresh: stagingSequence(former, staging) }));
}

function columnDefinitions(
  dependents: Dependents,
  staging: TableName,
  columns: readonly Column[],
): readonly string[] {
  const sequences = stagingSequences(dependents, staging).map(({ fresh }) => fresh);
  return columns.map((column) =>
    columnDefinition(
      column,
      sequences.find((sequence) => sequence.column === column.name),
    ),
  );
}

function keepPrivate(dependents: Dependents, staging: TableName): readonly string[] {
  const { defaultGrantees } = dependents;
  return [
    ...revokeDefaults(staging, 'TABLE', defaultGrantees),
    ...stagingSequences(dependents, staging).flatMap(({ fresh }) =>
      revokeDefaults(fresh, 'SEQUENCE', defaultGrantees),
    ),
  ];
}

function addedComments(staging: TableName, added: readonly AddedColumn[]): readonly string[] {
  return added.flatMap(({ name, comment }) =>
    comment === undefined
      ? []
      : [
          `COMMENT ON COLUMN ${quoteTable(staging)}.${quoteIdentifier(name)} IS ${quoteLiteral(comment)}`,
        ],
  );
}
