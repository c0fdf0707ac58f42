import { ProjectorError } from '../errors.ts';
import { quoteIdentifier, quoteTable } from '../postgres/quoting.ts';
import type { TargetTable } from '../postgres/target-table.ts';
import type { AddedColumn } from '../swap/objects/columns.ts';

/**
 * What a target in a partition tree cannot have: as a partition, columns that its parent lacks; as a
 * partitioned table, a key that only its partitions have, so that no increment can go by it.
 */
export function checkPartitions(
  target: TargetTable,
  added: readonly AddedColumn[],
  mode: 'full' | 'incremental',
): void {
  if (target.partitioning === undefined) return;
  if (added.length > 0) requireOwnColumns(target, added);
  if (mode === 'incremental') refuseLeafKey(target);
}

/** Whether rows go into partitions below it. */
export function isPartitioned({ partitioning }: TargetTable): boolean {
  return (partitioning?.levels ?? []).length > 0;
}

function requireOwnColumns(target: TargetTable, added: readonly AddedColumn[]): void {
  const place = target.partitioning?.place ?? null;
  if (place === null) return;
  const names = added.map(({ name }) => quoteIdentifier(name)).join(', ');
  const root = quoteTable(place.root);
  const add = added.map(({ name, type }) => `ADD COLUMN ${quoteIdentifier(name)} ${type}`);
  throw new ProjectorError({
    code: 'COLUMN_NOT_IN_PARENT',
    message: `the source has columns that ${quoteTable(target.name)} lacks (${names}), and a partition gets them only by its parent`,
    hint: `ALTER TABLE ${root} ${add.join(', ')};`,
  });
}

/**
 * A key of partitions alone is no key of the whole: rows that are equal by it can be in several
 * partitions, where an append leaves both, and an upsert does not find the one that it replaces.
 */
function refuseLeafKey({ name, partitioning }: TargetTable): void {
  const { leafKey = null, levels = [] } = partitioning ?? {};
  if (leafKey === null) return;
  const table = quoteTable(name);
  const key = leafKey.columns.map(quoteIdentifier);
  const partitionColumns = levels.flatMap(({ columns }) => columns.map(quoteIdentifier));
  const whole = [...new Set([...key, ...partitionColumns])].join(', ');
  throw new ProjectorError({
    code: 'CANNOT_UPSERT',
    message: `partition ${quoteTable(leafKey.table)} has the primary key (${key.join(', ')}), and ${table} has none: one that increments could go by holds the partition columns (${partitionColumns.join(', ')})`,
    hint: `ALTER TABLE ${table} ADD PRIMARY KEY (${whole}); or drop the keys of the partitions, and rows are appended.`,
  });
}
