import type { AvroField } from '../avro/schema.ts';
import { Cursor, readItemCount } from './cursor.ts';
import type { EncodedColumn, EncodeRows, Encoder } from './encoder.ts';
import { ENCODINGS } from './encodings.ts';
import { ObservedColumns } from './observed-columns.ts';
import { type ReadText, TEXT_READERS, UNCHECKED_TEXT_READERS } from './read-texts.ts';
import { vectorReader } from './read-vector.ts';
import { InvalidValueError, locate, MalformedBlockError } from './row-error.ts';
import { vectorTexts } from './write-vector.ts';

const NONE = new Uint8Array(0);

/**
 * Re-frames rows of Avro blocks into rows of COPY text: for tables with a column whose type has no
 * binary encoder here. Values are text in the input syntax of their types; this path is for
 * rightness, not for speed.
 */
export function createTextEncoder(
  columns: readonly EncodedColumn[],
  fields: readonly AvroField[],
  chunkBytes: number,
): Encoder {
  const observed = new ObservedColumns();
  const reads = columns.map((column, i) => readColumn(column, fields[i], observed.of(column)));
  return {
    cursor: new Cursor(chunkBytes, columns.length),
    header: NONE,
    trailer: NONE,
    encodeRows: encodeRows(
      columns.map((column) => column.emit),
      reads,
    ),
    observed,
  };
}

/** Reads whole rows as the text that the export has, whether it fits or not; undefined is NULL. */
export function rowReader(
  columns: readonly EncodedColumn[],
  fields: readonly AvroField[],
): (c: Cursor) => readonly (string | undefined)[] {
  const reads = columns.map((column, i) => {
    const plain = { ...column, maxChars: undefined, vector: undefined };
    const read = readColumn(plain, fields[i], undefined, UNCHECKED_TEXT_READERS);
    return column.vector === undefined ? read : emptyAsNull(read);
  });
  return (c) => reads.map((read) => read(c));
}

/** An array without elements is NULL where it becomes a vector. */
function emptyAsNull(read: Read): Read {
  return (c) => {
    const text = read(c);
    return text === '{}' ? undefined : text;
  };
}

/** Reads one value as text; undefined is NULL. */
type Read = (c: Cursor) => string | undefined;

function encodeRows(emit: readonly boolean[], reads: readonly Read[]): EncodeRows {
  return (c, rows, chunkBytes) => {
    let row = 0;
    let column = 0;
    try {
      for (; row < rows && c.at < chunkBytes; row += 1) {
        const cells: string[] = [];
        for (column = 0; column < reads.length; column += 1) {
          const text = (reads[column] as Read)(c);
          if (emit[column]) cells.push(text === undefined ? '\\N' : escapeCell(text));
        }
        if (c.pos > c.end) throw new MalformedBlockError('a row goes beyond its block');
        append(c, `${cells.join('\t')}\n`);
      }
    } catch (error) {
      throw locate(error, row, column);
    }
    return row;
  };
}

function append(c: Cursor, line: string): void {
  c.ensure(line.length * 3);
  c.at += Buffer.from(c.out.buffer, c.out.byteOffset).write(line, c.at);
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};

/** The escapes of COPY text (the COPY reference page, "Text Format"). */
function escapeCell(text: string): string {
  return text.replace(/[\\\b\f\n\r\t\v]/g, (character) => ESCAPES[character] ?? character);
}

function readColumn(
  column: EncodedColumn,
  field: AvroField | undefined,
  see: ((c: Cursor) => void) | undefined,
  readers = TEXT_READERS,
): Read {
  const read = nullable(readValue(column, field?.items?.nullBranch, readers), field?.nullBranch);
  if (see === undefined) return read;
  return (c) => {
    const text = read(c);
    if (text !== undefined) see(c);
    return text;
  };
}

function readValue(
  { encoding, array, vector, delimiter = ',', maxChars }: EncodedColumn,
  itemNull: 0 | 1 | undefined,
  readers: typeof TEXT_READERS,
): Read {
  if (vector !== undefined)
    return vectorTexts(vector.type, vectorReader(vector, ENCODINGS[encoding].avro, itemNull));
  const scalar = limited(readers[encoding], maxChars);
  return array ? readArray(nullable(scalar, itemNull), delimiter) : scalar;
}

/** Reads the branch of the union first, where there is one. */
function nullable(read: Read, branch: 0 | 1 | undefined): Read {
  if (branch === undefined) return read;
  return (c) => {
    const byte = c.bytes[c.pos++];
    if (byte === branch * 2) return undefined;
    if (byte !== 2 - branch * 2) throw new MalformedBlockError('a union has no such branch');
    return read(c);
  };
}

/** An array in Postgres's braces, every element but NULL in quotes. */
function readArray(element: Read, delimiter: string): ReadText {
  const item = (text: string | undefined) =>
    text === undefined ? 'NULL' : `"${text.replace(/["\\]/g, '\\$&')}"`;
  return (c) => {
    const items: string[] = [];
    for (let count = readItemCount(c); count > 0; count = readItemCount(c)) {
      for (let i = 0; i < count; i += 1) items.push(item(element(c)));
    }
    return `{${items.join(delimiter)}}`;
  };
}

function limited(read: ReadText, maxChars: number | undefined): ReadText {
  if (maxChars === undefined) return read;
  return (c) => {
    const text = read(c);
    if (text.length > maxChars && [...text].length > maxChars) {
      throw new InvalidValueError(`value too long for ${maxChars} characters`, text);
    }
    return text;
  };
}
