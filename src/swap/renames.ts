import { isSameTable, quoteIdentifier, quoteTable, type TableName } from '../postgres/quoting.ts';
import { stagingSequences } from './build/staging.ts';
import type { Dependents } from './dependencies/dependents.ts';
import { stagingStatisticsName } from './objects/extended-statistics.ts';
import { stagingIndexName } from './objects/indexes.ts';
import { temporaryName } from './temporary-names.ts';

/** The name that a part of the old table, or an old materialized view, has until it is dropped. */
export function asideName(staging: TableName, kind: string, thing: TableName): string {
  return temporaryName(staging, ['aside', kind, thing.schema, thing.name]);
}

function rename(kind: string, from: TableName, to: string): string {
  return `ALTER ${kind} ${quoteTable(from)} RENAME TO ${quoteIdentifier(to)}`;
}

/** Frees every name that the new objects will have. */
export function setAside(dependents: Dependents, staging: TableName): readonly string[] {
  const { target } = dependents;
  const aside = (kind: string, thing: TableName) =>
    rename(kind, thing, asideName(staging, kind, thing));
  return [
    aside('TABLE', target),
    ...dependents.indexes
      .filter(({ table }) => isSameTable(table, target))
      .map(({ name }) => aside('INDEX', { schema: target.schema, name })),
    ...dependents.statistics
      .filter(({ table }) => isSameTable(table, target))
      .map((statistics) => aside('STATISTICS', statistics)),
    ...dependents.sequences
      .filter(({ identity }) => identity)
      .map((sequence) => aside('SEQUENCE', sequence)),
    ...dependents.materializedViews.map((view) => aside('MATERIALIZED VIEW', view)),
  ];
}

/** Gives staging, its indexes, statistics and identity sequences the names of the target's. */
export function promote(dependents: Dependents, staging: TableName): readonly string[] {
  const { target } = dependents;
  return [
    rename('TABLE', staging, target.name),
    ...dependents.indexes
      .filter(({ table }) => isSameTable(table, target))
      .map((index) => {
        const name = stagingIndexName(index, staging);
        return rename('INDEX', { schema: staging.schema, name }, index.name);
      }),
    ...dependents.statistics
      .filter(({ table }) => isSameTable(table, target))
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
  const { target, materializedViews } = dependents;
  const drop = (kind: string, thing: TableName) =>
    `DROP ${kind} ${quoteTable({ schema: thing.schema, name: asideName(staging, kind, thing) })}`;
  return [
    ...materializedViews.toReversed().map((view) => drop('MATERIALIZED VIEW', view)),
    drop('TABLE', target),
  ];
}
