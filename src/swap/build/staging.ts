import {
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
  columnDefinition,
  columnSettings,
  unvalidatedNotNulls,
} from '../objects/columns.ts';
import { revokeDefaults } from '../objects/grants.ts';
import { copySequenceState, type Sequence, stagingSequence } from '../objects/sequences.ts';
import { createTable, type Table } from '../objects/table.ts';
import { isAmong, ofTable } from '../of-table.ts';
import { WRITING_SETTINGS } from '../session-settings.ts';
import type { SwapPlan } from '../swap-plan.ts';
import { stagingOf } from '../temporary-names.ts';
import { attachToStaging, createBoundCheck, createStagingParents } from './staging-tree.ts';

/**
 * Statements that create staging in the target's schema: the columns as they are, then the added
 * ones, with the checks, and without indexes, so that rows go in fast. Nobody but the owner has any
 * right on it. The staging of a partitioned target is a tree of the same bounds: rows are copied to
 * its root. Run them in one transaction. Where there is no target yet, the table has the added
 * columns only, and default privileges apply.
 */
export function stagingStatements(plan: SwapPlan): readonly string[] {
  const { dependents } = plan;
  if (dependents === undefined) return createFirst(plan);
  return [
    ...WRITING_SETTINGS,
    ...createStagingParents(plan, dependents),
    ...dependents.tables.flatMap((table) => createStaging(plan, dependents, table)),
  ];
}

/** The identity sequences of the tables, under the names that they have on staging. */
export function stagingSequences(
  { tables, sequences }: Dependents,
  staging: TableName,
): readonly { readonly former: Sequence; readonly fresh: Sequence }[] {
  return sequences
    .filter(({ identity, table }) => identity && isAmong(tables, table))
    .map((former) => ({ former, fresh: stagingSequence(former, staging) }));
}

/** COMMENT ON COLUMN of the added columns that have one. */
export function addedComments(table: TableName, added: readonly AddedColumn[]): readonly string[] {
  return added.flatMap(({ name, comment }) =>
    comment === undefined
      ? []
      : [
          `COMMENT ON COLUMN ${quoteTable(table)}.${quoteIdentifier(name)} IS ${quoteLiteral(comment)}`,
        ],
  );
}

function createFirst({ target, staging, added }: SwapPlan): readonly string[] {
  const columns = added.map((column) => addedColumnDefinition(target, column));
  return [
    `CREATE TABLE ${quoteTable(staging)} (${columns.join(', ')})`,
    ...addedComments(staging, added),
  ];
}

function createStaging(plan: SwapPlan, dependents: Dependents, table: Table): readonly string[] {
  const staging = stagingOf(plan, table);
  const columns = ofTable(dependents.columns, table);
  const sequences = stagingSequences(dependents, plan.staging).filter(({ former }) =>
    isAmong([table], former.table),
  );
  const owner = quoteIdentifier(table.owner);
  return [
    ...createTable(table, staging, [
      ...columns.map((column) => {
        const sequence = sequences.find(({ fresh }) => fresh.column === column.name);
        return columnDefinition(column, sequence?.fresh);
      }),
      ...plan.added.map((column) => addedColumnDefinition(table, column)),
    ]),
    ...sequences.flatMap(({ former, fresh }) => copySequenceState(fresh, former)),
    ...revokeDefaults(staging, 'TABLE', dependents.defaultGrantees),
    ...sequences.flatMap(({ fresh }) =>
      revokeDefaults(fresh, 'SEQUENCE', dependents.defaultGrantees),
    ),
    ...columns.flatMap((column) => columnSettings(staging, column)),
    ...columns.flatMap((column) => unvalidatedNotNulls(staging, column)),
    ...ofTable(dependents.checks, table).flatMap((check) => createCheck(check, staging)),
    ...createBoundCheck(plan, table),
    ...(isAmong([table], plan.target) ? addedComments(staging, plan.added) : []),
    ...attachToStaging(plan, dependents, table),
    `ALTER TABLE ${quoteTable(staging)} OWNER TO ${owner}`,
    // Default privileges can withhold even the owner's own rights; the swap sets all of them.
    `GRANT ALL ON TABLE ${quoteTable(staging)} TO ${owner}`,
  ];
}
