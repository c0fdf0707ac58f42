import { ProjectorError } from '../errors.ts';
import { IDENTIFIER_BYTES, quoteIdentifier } from './quoting.ts';

/**
 * Reads `table` or `schema.table` as PostgreSQL does: unquoted parts are folded to lower case and
 * hold letters, digits, `_`, `$` and any character beyond ASCII (`identifier` in the server's scan.l);
 * quoted parts are taken as they are, `""` meaning one quote; what is longer than 63 bytes is refused
 * rather than cut.
 */
export function parseTableName(text: string): { schema: string | undefined; name: string } {
  const part = new RegExp(`${SPACE}(?:"((?:[^"\\0]|"")+)"|(${IDENTIFIER}))${SPACE}(\\.|$)`, 'uy');
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

/** What the server's scanner takes for white space. */
const SPACE = '[ \\t\\n\\r\\f]*';
const IDENTIFIER = '[A-Za-z_\\u{80}-\\u{10ffff}][\\w$\\u{80}-\\u{10ffff}]*';

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
    hint: 'Write a shorter name.',
    exitCode: 2,
  });
}

function badTableName(text: string): ProjectorError {
  return new ProjectorError({
    code: 'BAD_TABLE_NAME',
    message: `--pg-table ${text} is not a table name`,
    hint: 'Write table or schema.table; put double quotes around a name that has capitals, spaces or dots: --pg-table \'public."My Table"\'.',
    exitCode: 2,
  });
}

/** The table that `tableText` wrote: a part with a dot or a quote is quoted, any other is as it is. */
export function parseTableText(text: string): { readonly schema: string; readonly name: string } {
  const match = /^("(?:[^"]|"")*"|[^."]*)\.(.*)$/s.exec(text);
  const part = (quoted = '') =>
    quoted.startsWith('"') ? quoted.slice(1, -1).replaceAll('""', '"') : quoted;
  return { schema: part(match?.[1]), name: part(match?.[2]) };
}
