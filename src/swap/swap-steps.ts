import { isSameTable, quoteIdentifier, quoteTable, type TableName } from '../postgres/quoting.ts';
import type { Dependents } from './dependencies/dependents.ts';
import { rebindColumnDefault } from './objects/column-defaults.ts';
import { commentStatement } from './objects/comments-and-labels.ts';
import { createStatistics } from './objects/extended-statistics.ts';
import { createForeignKey, dropForeignKey } from './objects/foreign-keys.ts';
import { grantStatements } from './objects/grants.ts';
import { createIndex, indexMarks } from './objects/indexes.ts';
import { createMaterializedView } from './objects/materialized-views.ts';
import { createPolicy, rebindPolicy } from './objects/policies.ts';
import { rebindPublication } from './objects/publications.ts';
import { createRule, rebindRule } from './objects/rules.ts';
import { advanceSequence, setSequenceOwner } from './objects/sequences.ts';
import { rebindFunction } from './objects/sql-functions.ts';
import { secureRows, setReplicaIdentity } from './objects/table.ts';
import { createTrigger } from './objects/triggers.ts';
import { rebindView } from './objects/views.ts';
import { asideName, dropOld, promote, setAside } from './renames.ts';

/** One statement of the swap; `reason` marks those whose time grows with the rows. */
export interface Step {
  readonly statement: string;
  readonly reason?: string;
}

/** What the statements need besides the dependents. */
export interface SwapNames {
  readonly staging: TableName;
  /** The extreme value of the new rows in the column of each sequence; null: none. */
  readonly maxValues: ReadonlyMap<string, string | null>;
  /** The statement that goes back to the session's own role. */
  readonly ownRole: string;
}

/**
 * The statements that put staging in the target's place, in order, to be run with all locks held.
 * The old table keeps its rows and its dependents until everything has been bound to the new one;
 * then DROP without CASCADE proves that nothing was forgotten.
 */
export function swapSteps(dependents: Dependents, names: SwapNames): readonly Step[] {
  const plain = (statements: readonly string[]): readonly Step[] =>
    statements.map((statement) => ({ statement }));
  return [
    ...plain(dependents.foreignKeys.filter(({ own }) => !own).flatMap(dropForeignKey)),
    ...plain(setAside(dependents, names.staging)),
    ...plain(promote(dependents, names.staging)),
    ...plain(finishTable(dependents, names)),
    ...plain(createMaterializedViews(dependents)),
    ...plain(rebindDependents(dependents)),
    ...plain(dropOld(dependents, names.staging)),
    ...plain(finishMaterializedViews(dependents, names.ownRole)),
    ...createForeignKeysTo(dependents),
    // After the foreign keys, whose validation would not see rows that FORCE hides from the owner,
    // and before REFRESH, which must see no more than it did.
    ...plain(secureRows(dependents.target)),
    ...refresh(dependents),
    ...plain(dependents.commentsAndLabels.flatMap(commentStatement)),
  ];
}

/** What belongs to the new table alone: sequences, rights, policies, marks. */
function finishTable(dependents: Dependents, names: SwapNames): readonly string[] {
  const { target, grants } = dependents;
  return [
    ...finishSequences(dependents, names),
    ...dependents.policies.filter(({ own }) => own).flatMap(createPolicy),
    ...grantStatements(target, 'TABLE', target.owner, grants, names.ownRole),
    ...setReplicaIdentity(target),
    ...dependents.indexes.filter(({ table }) => isSameTable(table, target)).flatMap(indexMarks),
    ...dependents.publications.flatMap(rebindPublication),
  ];
}

function finishSequences(dependents: Dependents, names: SwapNames): readonly string[] {
  const { target, grants } = dependents;
  return dependents.sequences.flatMap((sequence) => {
    const maxValue = names.maxValues.get(quoteTable(sequence)) ?? null;
    if (!sequence.identity) {
      const move = maxValue === null ? [] : advanceSequence(sequence, null, maxValue);
      return [...setSequenceOwner(sequence), ...move];
    }
    const name = asideName(names.staging, 'SEQUENCE', sequence);
    return [
      ...advanceSequence(sequence, { schema: sequence.schema, name }, maxValue),
      ...grantStatements(sequence, 'SEQUENCE', target.owner, grants, names.ownRole),
    ];
  });
}

function createMaterializedViews(dependents: Dependents): readonly string[] {
  const { columns, defaultGrantees } = dependents;
  return dependents.materializedViews.flatMap((view) => {
    const own = columns.filter(({ table }) => isSameTable(table, view));
    return createMaterializedView(view, own, defaultGrantees);
  });
}

/** Lets everything that read the old table read the new one. Triggers come last: none has fired. */
function rebindDependents(dependents: Dependents): readonly string[] {
  const { policies, rules } = dependents;
  return [
    ...dependents.views.flatMap(rebindView),
    ...dependents.functions.flatMap(rebindFunction),
    ...dependents.columnDefaults.flatMap(rebindColumnDefault),
    ...policies.filter(({ own }) => !own).flatMap(rebindPolicy),
    ...rules.flatMap((rule) => (rule.own ? createRule(rule) : rebindRule(rule))),
    ...dependents.triggers.flatMap(createTrigger),
  ];
}

/** Index names are free again only when the old materialized views are gone. */
function finishMaterializedViews(dependents: Dependents, ownRole: string): readonly string[] {
  return dependents.materializedViews.flatMap((view) => {
    const isIts = ({ table }: { readonly table: TableName }) => isSameTable(table, view);
    return [
      ...dependents.indexes
        .filter(isIts)
        .flatMap((index) => [...createIndex(index, view, index.name), ...indexMarks(index)]),
      ...dependents.statistics
        .filter(isIts)
        .flatMap((statistics) => createStatistics(statistics, view, statistics.name)),
      ...grantStatements(view, 'TABLE', view.owner, dependents.grants, ownRole),
    ];
  });
}

function createForeignKeysTo(dependents: Dependents): readonly Step[] {
  const others = dependents.foreignKeys.filter(({ own }) => !own);
  return others.flatMap((key) => {
    const statements = createForeignKey(key, key.table, dependents.target);
    if (!key.validated || !key.enforced) return statements.map((statement) => ({ statement }));
    const reason = `foreign key ${quoteIdentifier(key.name)} of ${quoteTable(key.table)} validated`;
    return statements.map((statement) => ({ statement, reason }));
  });
}

function refresh(dependents: Dependents): readonly Step[] {
  const recreated = new Set(dependents.materializedViews.map(quoteTable));
  return dependents.refreshed.flatMap((view) => {
    const name = quoteTable(view);
    const fill = {
      statement: `REFRESH MATERIALIZED VIEW ${name}`,
      reason: `materialized view ${name} refreshed`,
    };
    return recreated.has(name)
      ? [fill, { statement: `ANALYZE ${name}`, reason: `materialized view ${name} analyzed` }]
      : [fill];
  });
}
