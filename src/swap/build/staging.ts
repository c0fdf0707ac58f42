import {
  quoteIdentifier,
  quoteLiteral,
  quoteTable,
  type TableName,
} from '../../postgres/quoting.ts';
import { WRITING_SETTINGS } from '../catalog.ts';
import type { Dependents } from '../dependencies/dependents.ts';
import { addChecks } from '../objects/check-constraints.ts';
import {
  type AddedColumn,
  addedColumnDefinition,
  columnDefinition,
  columnSettings,
  lateNotNulls,
  optionList,
} from '../objects/columns.ts';
import { revokeDefaults } from '../objects/grants.ts';
import { useTablespace } from '../objects/indexes.ts';
import { copySequenceState, type Sequence, stagingSequence } from '../objects/sequences.ts';

/**
 * Statements that make the staging table of `dependents.target`, in its schema: the columns as they
 * are, then the added ones, with the checks, and without indexes, so that rows go in fast. Nobody
 * but the owner has any right on it. Run them in one transaction; with `dependents` undefined
 * (there is no target yet), the table has the added columns only, and default privileges apply.
 */
export function stagingStatements(
  dependents: Dependents | undefined,
  staging: TableName,
  added: readonly AddedColumn[],
): readonly string[] {
  if (dependents === undefined) {
    const columns = added.map((column) => addedColumnDefinition(staging, column));
    return [
      `CREATE TABLE ${quoteTable(staging)} (${columns.join(', ')})`,
      ...comments(staging, added),
    ];
  }
  const { columns, checks, target } = dependents;
  return [
    ...WRITING_SETTINGS,
    useTablespace(target.tablespace),
    createTable(dependents, staging, added),
    ...continueSequences(dependents, staging),
    ...keepPrivate(dependents, staging),
    ...columns.flatMap((column) => columnSettings(staging, column)),
    ...columns.flatMap((column) => lateNotNulls(staging, column)),
    ...addChecks(staging, checks),
    ...comments(staging, added),
    `ALTER TABLE ${quoteTable(staging)} OWNER TO ${quoteIdentifier(target.owner)}`,
    // Default privileges can withhold even the owner's own rights; the swap sets all of them.
    `GRANT ALL ON TABLE ${quoteTable(staging)} TO ${quoteIdentifier(target.owner)}`,
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

function createTable(
  dependents: Dependents,
  staging: TableName,
  added: readonly AddedColumn[],
): string {
  const { target } = dependents;
  const identity = new Map(
    stagingSequences(dependents, staging).map(({ fresh }) => [fresh.column, fresh]),
  );
  const columns = [
    ...dependents.columns.map((column) => columnDefinition(column, identity.get(column.name))),
    ...added.map((column) => addedColumnDefinition(target, column)),
  ];
  const options = target.options.length === 0 ? '' : ` WITH (${optionList(target.options)})`;
  const method = `USING ${quoteIdentifier(target.accessMethod)}`;
  return `CREATE TABLE ${quoteTable(staging)} (\n  ${columns.join(',\n  ')}\n) ${method}${options}`;
}

/** Values that the load draws itself go on where the target's stand. */
function continueSequences(dependents: Dependents, staging: TableName): readonly string[] {
  return stagingSequences(dependents, staging).map(({ former, fresh }) =>
    copySequenceState(fresh, former),
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

function comments(staging: TableName, added: readonly AddedColumn[]): readonly string[] {
  return added.flatMap(({ name, comment }) =>
    comment === undefined
      ? []
      : [
          `COMMENT ON COLUMN ${quoteTable(staging)}.${quoteIdentifier(name)} IS ${quoteLiteral(comment)}`,
        ],
  );
}
