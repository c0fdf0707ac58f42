import { ProjectorError } from './errors.ts';

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

/** `path` in BigQuery's backticks: a dotted path is quoted as a whole, with the escapes of strings. */
export function quoteBigQueryPath(...path: readonly string[]): string {
  const quoted = path.map((part) =>
    part
      .replaceAll('\\', '\\\\')
      .replaceAll('`', '\\`')
      .replaceAll('\n', '\\n')
      .replaceAll('\r', '\\r'),
  );
  return `\`${quoted.join('.')}\``;
}

/** `text` as a BigQuery string literal. */
export function quoteBigQueryString(text: string): string {
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll("'", "\\'")
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r');
  return `'${escaped}'`;
}

/**
 * Reads `table` or `schema.table` as PostgreSQL does: unquoted parts are folded to lower case and
 * hold letters, digits, `_` and `$`; quoted parts are taken as they are, `""` meaning one quote;
 * what is longer than 63 bytes is refused rather than cut.
 */
export function parseTableName(text: string): { schema: string | undefined; name: string } {
  const part = /\s*(?:"((?:[^"\0]|"")+)"|([\p{L}_][\p{L}\p{N}_$]*))\s*(\.|$)/uy;
  const parts: string[] = [];
  let more = true;
  while (more) {
    const match = part.exec(text);
    if (match === null) throw badTableName(text);
    parts.push(match[1]?.replaceAll('""', '"') ?? foldCase(match[2] ?? ''));
    more = match[3] === '.';
  }
  const [first, second] = parts;
  if (first === undefined || parts.length > 2) throw badTableName(text);
  for (const name of parts) checkLength(text, name);
  return second === undefined
    ? { schema: undefined, name: first }
    : { schema: first, name: second };
}

/** Only ASCII letters are folded in a UTF-8 database (downcase_identifier in the server's scansup.c). */
function foldCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function checkLength(text: string, name: string): void {
  const bytes = Buffer.byteLength(name);
  if (bytes <= IDENTIFIER_BYTES) return;
  throw new ProjectorError({
    code: 'BAD_TABLE_NAME',
    message: `--pg-table ${text}: the name ${quoteIdentifier(name)} has ${bytes} bytes, and PostgreSQL keeps ${IDENTIFIER_BYTES}`,
    next: 'Write a shorter name.',
    exitCode: 2,
  });
}

function badTableName(text: string): ProjectorError {
  return new ProjectorError({
    code: 'BAD_TABLE_NAME',
    message: `--pg-table ${text} is not a table name`,
    next: 'Write table or schema.table; put double quotes around a name that has capitals, spaces or dots: --pg-table \'public."My Table"\'.',
    exitCode: 2,
  });
}
