/** A table by its place. `schema` and `name` are as the catalog spells them, not quoted. */
export interface TableName {
  readonly schema: string;
  readonly name: string;
}

/** Bytes a PostgreSQL identifier can have (NAMEDATALEN - 1). */
export const IDENTIFIER_BYTES = 63;

/** `name` as a PostgreSQL identifier: always quoted, embedded quotes doubled. */
export function quoteIdentifier(name: string): string {
  if (name.includes('\0')) throw new TypeError('an identifier cannot hold a NUL character');
  return `"${name.replaceAll('"', '""')}"`;
}

/** `schema.name`, both quoted. */
export function quoteTable(table: TableName): string {
  return `${quoteIdentifier(table.schema)}.${quoteIdentifier(table.name)}`;
}

/** Whether both are one table. */
export function isSameTable(one: TableName, other: TableName): boolean {
  return one.schema === other.schema && one.name === other.name;
}

/**
 * `schema.name` for people and for the ledger: the same for every spelling of a table, and of no two
 * tables. Quoted only where a name holds what a reader would take for the end of it.
 */
export function tableText(table: TableName): string {
  const part = (name: string) => (/[."]/.test(name) ? quoteIdentifier(name) : name);
  return `${part(table.schema)}.${part(table.name)}`;
}

/** `name` with `suffix`, its end cut off where both are too long, in whole characters: as the server cuts. */
export function fitIdentifier(name: string, suffix = ''): string {
  const bytes = Buffer.from(name);
  let end = IDENTIFIER_BYTES - Buffer.byteLength(suffix);
  if (bytes.length <= end) return name + suffix;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.subarray(0, end).toString() + suffix;
}

/** `text` as a PostgreSQL string constant, right under both settings of standard_conforming_strings. */
export function quoteLiteral(text: string): string {
  if (text.includes('\0')) throw new TypeError('a constant cannot hold a NUL character');
  const doubled = text.replaceAll("'", "''");
  return text.includes('\\') ? `E'${doubled.replaceAll('\\', '\\\\')}'` : `'${doubled}'`;
}
