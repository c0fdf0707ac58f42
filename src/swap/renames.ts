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

/** Frees every name that the new objects will have. */
export function setAside(dependents: Dependents, staging: TableName): readonly string[] {
  const { tables } = dependents;
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
  const { tables, materializedViews } = dependents;
  const aside = (kind: string, { schema, name }: TableName) =>
    quoteTable({ schema, name: asideName(staging, kind, { schema, name }) });
  const views = materializedViews.toReversed().map((view) => aside('MATERIALIZED VIEW', view));
  const old = tables.map((table) => aside('TABLE', table));
  return [
    ...(views.length === 0 ? [] : [`DROP MATERIALIZED VIEW ${views.join(', ')}`]),
    ...(old.length === 0 ? [] : [`DROP TABLE ${old.join(', ')}`]),
  ];
}
