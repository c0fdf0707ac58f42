import { quoteIdentifier, quoteTable, type TableName } from '../postgres/quoting.ts';
import { stagingSequences } from './build/staging.ts';
import type { Dependents } from './dependencies/dependents.ts';
import { stagingStatisticsName } from './objects/extended-statistics.ts';
import { stagingIndexName } from './objects/indexes.ts';
import { isAmong } from './of-table.ts';
import { stagingOf, temporaryName } from './temporary-names.ts';

/** The name that a part of the old table, or an old materialized view, has until it is dropped. */
export function asideName(staging: TableName, kind: string, thing: TableName): string {
  return temporaryName(staging, ['aside', kind, thing.schema, thing.name]);
}

function rename(kind: string, from: TableName, to: string): string {
  return `ALTER ${kind} ${quoteTable(from)} RENAME TO ${quoteIdentifier(to)}`;
}

/**
 * Whether something has to be bound to the new tables, or to take over from the old ones, while those
 * are still there. Without it they can go first, and need no other names until then: of 120 partitions
 * those are hundreds of statements under the locks.
 */
function isBound(dependents: Dependents): boolean {
  const { tables, views, functions, rules, policies, sequences } = dependents;
  const { columnDefaults, materializedViews } = dependents;
  return (
    [...views, ...functions, ...columnDefaults, ...materializedViews].length > 0 ||
    [...rules, ...policies].some(({ own }) => !own) ||
    sequences.some(({ table }) => isAmong(tables, table))
  );
}

/** Frees every name that the new objects will have. */
export function setAside(dependents: Dependents, staging: TableName): readonly string[] {
  const { tables } = dependents;
  if (!isBound(dependents)) return dropTables(tables);
  const aside = (kind: string, { schema, name }: TableName) =>
    rename(kind, { schema, name }, asideName(staging, kind, { schema, name }));
  return [
    ...tables.map((table) => aside('TABLE', table)),
    ...dependents.indexes
      .filter(({ table }) => isAmong(tables, table))
      .map(({ table, name }) => aside('INDEX', { schema: table.schema, name })),
    ...dependents.statistics
      .filter(({ table }) => isAmong(tables, table))
      .map((statistics) => aside('STATISTICS', statistics)),
    ...stagingSequences(dependents, staging).map(({ former }) => aside('SEQUENCE', former)),
    ...dependents.materializedViews.map((view) => aside('MATERIALIZED VIEW', view)),
  ];
}

/** Gives staging, its indexes, statistics and identity sequences the names of the target's. */
export function promote(dependents: Dependents, staging: TableName): readonly string[] {
  const { target, tables } = dependents;
  return [
    ...tables.map((table) => rename('TABLE', stagingOf({ target, staging }, table), table.name)),
    ...dependents.indexes
      .filter(({ table }) => isAmong(tables, table))
      .map((index) => {
        const name = stagingIndexName(index, staging);
        return rename('INDEX', { schema: index.table.schema, name }, index.name);
      }),
    ...dependents.statistics
      .filter(({ table }) => isAmong(tables, table))
      .map((statistics) => {
        const name = stagingStatisticsName(statistics, staging);
        return rename('STATISTICS', { schema: statistics.schema, name }, statistics.name);
      }),
    ...stagingSequences(dependents, staging).map(({ former, fresh }) =>
      rename('SEQUENCE', fresh, former.name),
    ),
  ];
}

/** Drops what was set aside, without CASCADE. */
export function dropOld(dependents: Dependents, staging: TableName): readonly string[] {
  if (!isBound(dependents)) return [];
  const { tables, materializedViews } = dependents;
  const aside = (kind: string) => (thing: TableName) => ({
    schema: thing.schema,
    name: asideName(staging, kind, thing),
  });
  const views = materializedViews.map(aside('MATERIALIZED VIEW')).map(quoteTable);
  return [
    ...(views.length === 0 ? [] : [`DROP MATERIALIZED VIEW ${views.join(', ')}`]),
    ...dropTables(tables.map(aside('TABLE'))),
  ];
}

function dropTables(tables: readonly TableName[]): readonly string[] {
  return tables.length === 0 ? [] : [`DROP TABLE ${tables.map(quoteTable).join(', ')}`];
}
