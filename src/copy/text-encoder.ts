import type { AvroField } from '../avro/schema.ts';
import { locate } from './binary-encoder.ts';
import { Cursor, InvalidValueError, malformed, readLength, readLong } from './cursor.ts';
import type { EncodedColumn, EncodeRows, Encoder } from './encoder.ts';
import type { Encoding } from './encodings.ts';
import { maxTracker } from './max-tracker.ts';
import { intervalText, moneyText } from './write-parsed.ts';
import { doubleText, exactDouble, longText, readDouble, readSingle } from './write-values.ts';

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
  const max = maxTracker();
  const reads = columns.map((column, i) => readColumn(column, fields[i], max.see));
  return {
    cursor: new Cursor(chunkBytes, columns.length),
    header: NONE,
    trailer: NONE,
    encodeRows: encodeRows(
      columns.map((column) => column.emit),
      reads,
    ),
    maxMicros: max.value,
  };
}

/** Reads whole rows as the text that the export has, whether it fits or not; undefined is NULL. */
export function rowReader(
  columns: readonly EncodedColumn[],
  fields: readonly AvroField[],
): (c: Cursor) => readonly (string | undefined)[] {
  const unlimited = columns.map((column) => ({ ...column, maxChars: undefined }));
  const reads = unlimited.map((column, i) =>
    readColumn(column, fields[i], () => undefined, READ_ANY),
  );
  return (c) => reads.map((read) => read(c));
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
        if (c.pos > c.end) throw malformed('a row goes beyond its block');
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
  see: (c: Cursor) => void,
  kinds: Readonly<Record<Encoding, (c: Cursor) => string>> = READ,
): Read {
  const scalar = limited(kinds[column.encoding], column.maxChars);
  const element = nullable(scalar, field?.items?.nullBranch);
  const read = nullable(
    column.array ? readArray(element, column.delimiter ?? ',') : scalar,
    field?.nullBranch,
  );
  if (!column.watermark) return read;
  return (c) => {
    const text = read(c);
    if (text !== undefined) see(c);
    return text;
  };
}

/** Reads the branch of the union first, where there is one. */
function nullable(read: (c: Cursor) => string, branch: 0 | 1 | undefined): Read {
  if (branch === undefined) return read;
  return (c) => {
    const byte = c.bytes[c.pos++];
    if (byte === branch * 2) return undefined;
    if (byte !== 2 - branch * 2) throw malformed('a union has no such branch');
    return read(c);
  };
}

/** An array in Postgres's braces, every element but NULL in quotes. */
function readArray(element: Read, delimiter: string): (c: Cursor) => string {
  const item = (text: string | undefined) =>
    text === undefined ? 'NULL' : `"${text.replace(/["\\]/g, '\\$&')}"`;
  return (c) => {
    const items: string[] = [];
    for (;;) {
      readLong(c);
      let count = (c.hi | 0) * 4_294_967_296 + (c.lo >>> 0);
      if (count === 0) return `{${items.join(delimiter)}}`;
      if (count < 0) {
        count = -count;
        readLong(c);
      }
      if (count > c.end - c.pos) throw malformed('an array goes beyond its block');
      for (let i = 0; i < count; i += 1) items.push(item(element(c)));
    }
  };
}

function limited(read: (c: Cursor) => string, maxChars: number | undefined): (c: Cursor) => string {
  if (maxChars === undefined) return read;
  return (c) => {
    const text = read(c);
    if (text.length > maxChars && [...text].length > maxChars) {
      throw new InvalidValueError(`value too long for ${maxChars} characters`, text);
    }
    return text;
  };
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The server names no column for a NUL in COPY text, so it is refused here. */
function readText(c: Cursor): string {
  const text = readAnyText(c);
  if (text.includes('\0')) throw new InvalidValueError('text cannot hold a NUL character', text);
  return text;
}

function readAnyText(c: Cursor): string {
  const length = readLength(c);
  const bytes = c.bytes.subarray(c.pos, c.pos + length);
  c.pos += length;
  try {
    return UTF8.decode(bytes);
  } catch {
    throw malformed('a string is not UTF-8');
  }
}

/** NAMEDATALEN - 1: namein would cut what is longer. */
const NAME_BYTES = 63;

function readName(c: Cursor): string {
  const text = readText(c);
  if (Buffer.byteLength(text) <= NAME_BYTES) return text;
  throw new InvalidValueError(`a name has at most ${NAME_BYTES} bytes`, text);
}

function readHex(c: Cursor): string {
  const length = readLength(c);
  const text = Buffer.from(c.bytes.buffer, c.bytes.byteOffset + c.pos, length).toString('hex');
  c.pos += length;
  return text;
}

function readLongText(c: Cursor): string {
  readLong(c);
  return longText(c);
}

const readDoubleText = (c: Cursor): string => doubleText(readDouble(c));

/** All digits of a whole number: JavaScript's own text ends in zeros that are not there. */
function readWholeText(c: Cursor): string {
  const value = readDouble(c);
  return Number.isInteger(value) ? String(BigInt(value)) : doubleText(value);
}

/** Longs that stand for dates and times do not come here: those columns travel as strings. */
const READ: Readonly<Record<Encoding, (c: Cursor) => string>> = {
  int8: readLongText,
  int4: readLongText,
  int2: readLongText,
  longAsFloat8: (c) => doubleText(exactDouble(c, (x) => x)),
  longAsFloat4: (c) => doubleText(exactDouble(c, Math.fround)),
  float8: readDoubleText,
  // The server would round the decimal text, which can be another single than the double's own.
  float4: (c) => doubleText(readSingle(c)),
  doubleAsInt8: readWholeText,
  doubleAsInt4: readWholeText,
  doubleAsInt2: readWholeText,
  doubleAsNumeric: readDoubleText,
  doubleAsText: readDoubleText,
  bool: (c) => (c.bytes[c.pos++] === 0 ? 'f' : 't'),
  text: readText,
  name: readName,
  jsonb: readText,
  numeric: readText,
  uuid: readText,
  bytea: (c) => `\\x${readHex(c)}`,
  bytesAsUuid: readHex,
  interval: intervalText,
  money: moneyText,
};

/** The same without a look at what the target can hold. */
const READ_ANY: typeof READ = {
  ...READ,
  longAsFloat8: readLongText,
  longAsFloat4: readLongText,
  float4: readDoubleText,
  text: readAnyText,
  name: readAnyText,
  jsonb: readAnyText,
  numeric: readAnyText,
  uuid: readAnyText,
  interval: readAnyText,
  money: readAnyText,
};
