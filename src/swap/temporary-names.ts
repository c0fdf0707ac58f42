import { createHash } from 'node:crypto';
import { isSameTable, type TableName } from '../postgres/quoting.ts';

/**
 * A name for something that exists while staging does, the same in every run for the same `thing`:
 * so a run that takes over knows what its predecessor has finished. The prefix keeps clear of
 * users' names; the hash keeps clear of other targets' and of the limit of 63 bytes.
 */
export function temporaryName(staging: TableName, thing: unknown): string {
  const text = JSON.stringify([staging.schema, staging.name, thing]);
  return `bqtp_${createHash('sha256').update(text).digest('hex').slice(0, 24)}`;
}

/** What stands in for `table`, the target or a part of its partition tree, until the swap. */
export function stagingOf(
  { target, staging }: { readonly target: TableName; readonly staging: TableName },
  { schema, name }: TableName,
): TableName {
  if (isSameTable(target, { schema, name })) return staging;
  return { schema, name: temporaryName(staging, ['partition', schema, name]) };
}
