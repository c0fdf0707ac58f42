import { isSameTable, quoteIdentifier, quoteTable, type TableName } from '../postgres/quoting.ts';
import type { Dependents } from './dependencies/dependents.ts';
import { rebindColumnDefault } from './objects/column-defaults.ts';
import { commentStatement } from './objects/comments-and-labels.ts';
import { createStatistics } from './objects/extended-statistics.ts';
import { addForeignKey, dropForeignKey } from './objects/foreign-keys.ts';
import { grantStatements, revokeDefaults } from './objects/grants.ts';
import { createIndex, indexMarks } from './objects/indexes.ts';
import { createMaterializedView, setMaterializedViewOwner } from './objects/materialized-views.ts';
import { createPolicy, rebindPolicy } from './objects/policies.ts';
import { publish } from './objects/publications.ts';
import { createRule } from './objects/rules.ts';
import { advanceSequence, setSequenceOwner } from './objects/sequences.ts';
import { createTrigger } from './objects/triggers.ts';
import { replaceView } from './objects/views.ts';
import { asideName, dropOld, promote, setAside } from './renames.ts';

/** One statement of the swap; `reason` marks those whose time grows with the rows. */
export interface Step {
  readonly statement: string;
  readonly reason?: string;
}

/** What the statements need besides the dependents. */
export interface SwapNames {
  readonly staging: TableName;
  /** The outermost value of the new rows in the column of each sequence; null: none. */
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
    ...plain(dependents.foreignKeysTo.map(dropForeignKey)),
    ...plain(setAside(dependents, names.staging)),
    ...plain(promote(dependents, names.staging)),
    ...plain(finishTable(dependents, names)),
    ...plain(createMaterializedViews(dependents)),
    ...plain(rebindDependents(dependents)),
    ...plain(dropOld(dependents, names.staging)),
    ...plain(finishMaterializedViews(dependents, names.ownRole)),
    ...foreignKeysTo(dependents),
    ...plain(secureRows(dependents)),
    ...refresh(dependents),
    ...plain(dependents.commentsAndLabels.map(commentStatement)),
  ];
}

/** What belongs to the new table alone: sequences, rights, policies, marks. */
function finishTable(dependents: Dependents, names: SwapNames): readonly string[] {
  const { target } = dependents;
  const alter = `ALTER TABLE ${quoteTable(target)}`;
  const identity = { f: ' FULL', n: ' NOTHING' }[target.replicaIdentity];
  return [
    ...finishSequences(dependents, names),
    ...dependents.policies.map(createPolicy),
    ...grantStatements(target, 'TABLE', target.owner, dependents.grants, names.ownRole),
    ...(identity === undefined ? [] : [`${alter} REPLICA IDENTITY${identity}`]),
    ...dependents.indexes.filter(({ table }) => isSameTable(table, target)).flatMap(indexMarks),
    ...dependents.publications.map((publication) => publish(publication, target)),
  ];
}

function finishSequences(dependents: Dependents, names: SwapNames): readonly string[] {
  const { target, grants } = dependents;
  return dependents.sequences.flatMap((sequence) => {
    const maxValue = names.maxValues.get(sequence.column) ?? null;
    if (!sequence.identity) {
      const move = maxValue === null ? [] : [advanceSequence(sequence, null, maxValue)];
      return [setSequenceOwner(sequence, target), ...move];
    }
    const name = asideName(names.staging, 'SEQUENCE', sequence);
    return [
      advanceSequence(sequence, { schema: sequence.schema, name }, maxValue),
      ...grantStatements(sequence, 'SEQUENCE', target.owner, grants, names.ownRole),
    ];
  });
}

function createMaterializedViews(dependents: Dependents): readonly string[] {
  return dependents.materializedViews.flatMap((view) => [
    ...createMaterializedView(view),
    ...revokeDefaults(view, 'TABLE', dependents.defaultGrantees),
    setMaterializedViewOwner(view),
  ]);
}

/** Lets everything that read the old table read the new one. Triggers come last: none has fired. */
function rebindDependents(dependents: Dependents): readonly string[] {
  return [
    ...dependents.views.map(replaceView),
    ...dependents.functions.map(({ definition }) => definition),
    ...dependents.columnDefaults.map(rebindColumnDefault),
    ...dependents.policiesOfOthers.map(rebindPolicy),
    ...dependents.rules.flatMap(createRule),
    ...dependents.triggers.flatMap((trigger) => createTrigger(trigger, dependents.target)),
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

function foreignKeysTo(dependents: Dependents): readonly Step[] {
  return dependents.foreignKeysTo.map((key) => {
    const statement = addForeignKey(key, key.table, dependents.target);
    if (!key.validated || !key.enforced) return { statement };
    const reason = `foreign key ${quoteIdentifier(key.name)} of ${quoteTable(key.table)} validated`;
    return { statement, reason };
  });
}

/**
 * Row security comes after the foreign keys, whose validation would not see rows that FORCE hides
 * from the owner, and before REFRESH, which must see no more than it did.
 */
function secureRows({ target }: Dependents): readonly string[] {
  const alter = `ALTER TABLE ${quoteTable(target)}`;
  return [
    ...(target.rowSecurity ? [`${alter} ENABLE ROW LEVEL SECURITY`] : []),
    ...(target.forceRowSecurity ? [`${alter} FORCE ROW LEVEL SECURITY`] : []),
  ];
}

function refresh(dependents: Dependents): readonly Step[] {
  const rebuilt = new Set(dependents.materializedViews.map(quoteTable));
  return dependents.refreshed.flatMap((view) => {
    const name = quoteTable(view);
    const fill = {
      statement: `REFRESH MATERIALIZED VIEW ${name}`,
      reason: `materialized view ${name} rebuilt`,
    };
    return rebuilt.has(name)
      ? [fill, { statement: `ANALYZE ${name}`, reason: `materialized view ${name} analyzed` }]
      : [fill];
  });
}
