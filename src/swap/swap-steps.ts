import { quoteIdentifier, quoteTable, type TableName } from '../postgres/quoting.ts';
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
import { rebindFunction } from './objects/sql-functions.ts';
import { secureRows, setReplicaIdentity, type Table } from './objects/table.ts';
import { createTrigger, finishClonedTrigger } from './objects/triggers.ts';
import { rebindView } from './objects/views.ts';
import { isAmong, ofTable } from './of-table.ts';
import { dropOld, promote, setAside } from './renames.ts';
import { attachTables } from './swap-partitions.ts';
import type { SwapPlan } from './swap-plan.ts';
import { finishSequences } from './swap-sequences.ts';
import type { Step, SwapValues } from './swap-step.ts';

/**
 * The statements that put staging in the target's place, in order, to be run with all locks held.
 * The old tables keep their rows and dependents until everything has been bound to the new ones, if
 * anything has to be; then DROP without CASCADE proves that nothing was forgotten.
 */
export function swapSteps(
  plan: SwapPlan,
  dependents: Dependents,
  values: SwapValues,
): readonly Step[] {
  const { staging } = plan;
  const { tables, triggers, commentsAndLabels } = dependents;
  return [
    ...plain(foreignKeysToTree(dependents).flatMap(dropForeignKey)),
    ...plain(setAside(dependents, staging)),
    ...plain(promote(dependents, staging)),
    ...plain(finishSequences(dependents, staging, values)),
    ...plain(tables.flatMap((table) => finishTable(dependents, table, values.ownRole))),
    ...plain(createMaterializedViews(dependents)),
    ...plain(rebindDependents(dependents)),
    ...plain(dropOld(dependents, staging)),
    ...attachTables(plan, dependents),
    ...plain(triggers.flatMap(finishClonedTrigger)),
    ...plain(finishMaterializedViews(dependents, values.ownRole)),
    ...createForeignKeysToTree(dependents),
    // After the foreign keys, whose validation would not see rows that FORCE hides from the owner,
    // and before REFRESH, which must see no more than it did.
    ...plain(tables.flatMap(secureRows)),
    ...refresh(dependents),
    ...plain(commentsAndLabels.flatMap(commentStatement)),
  ];
}

function plain(statements: readonly string[]): readonly Step[] {
  return statements.map((statement) => ({ statement }));
}

/** What belongs to a new table alone: policies, rights, marks, publications. */
function finishTable(dependents: Dependents, table: Table, ownRole: string): readonly string[] {
  const { policies, grants, indexes, publications } = dependents;
  return [
    ...ofTable(policies, table).flatMap(createPolicy),
    ...grantStatements(table, 'TABLE', table.owner, grants, ownRole),
    ...setReplicaIdentity(table),
    ...ofTable(indexes, table).flatMap(indexMarks),
    ...ofTable(publications, table).flatMap(rebindPublication),
  ];
}

function createMaterializedViews(dependents: Dependents): readonly string[] {
  const { columns, defaultGrantees } = dependents;
  return dependents.materializedViews.flatMap((view) =>
    createMaterializedView(view, ofTable(columns, view), defaultGrantees),
  );
}

/** Lets everything that read an old table read the new one. Triggers come last: none has fired. */
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
  const { indexes, statistics, grants } = dependents;
  return dependents.materializedViews.flatMap((view) => [
    ...ofTable(indexes, view).flatMap((index) => [
      ...createIndex(index, view, index.name),
      ...indexMarks(index),
    ]),
    ...ofTable(statistics, view).flatMap((item) => createStatistics(item, view, item.name)),
    ...grantStatements(view, 'TABLE', view.owner, grants, ownRole),
  ]);
}

function foreignKeysToTree({ foreignKeys }: Dependents) {
  return foreignKeys.filter(({ onStaging }) => !onStaging);
}

function createForeignKeysToTree(dependents: Dependents): readonly Step[] {
  return foreignKeysToTree(dependents).flatMap((key) => {
    const statements = plain(createForeignKey(key, key.table, key.references));
    if (!key.validated || !key.enforced) return statements;
    const reason = `foreign key ${quoteIdentifier(key.name)} of ${quoteTable(key.table)} validated`;
    return statements.map((step) => ({ ...step, reason }));
  });
}

function refresh({ refreshed, materializedViews }: Dependents): readonly Step[] {
  return refreshed.flatMap((view: TableName) => {
    const name = quoteTable(view);
    const fill = {
      // The query is the user's, and so is whether to compile it.
      statement: `SET LOCAL jit = DEFAULT; REFRESH MATERIALIZED VIEW ${name}; SET LOCAL jit = off`,
      reason: `materialized view ${name} refreshed`,
    };
    if (!isAmong(materializedViews, view)) return [fill];
    return [fill, { statement: `ANALYZE ${name}`, reason: `materialized view ${name} analyzed` }];
  });
}
