import { isSameTable, type TableName } from '../postgres/quoting.ts';

/** Those of `items` that belong to `table`. */
export function ofTable<T extends { readonly table: TableName }>(
  items: readonly T[],
  table: TableName,
): readonly T[] {
  return items.filter((item) => isSameTable(item.table, table));
}

/** Whether `table` is among `tables`. */
export function isAmong(tables: readonly TableName[], table: TableName): boolean {
  return tables.some((other) => isSameTable(other, table));
}
