import type { AvroField } from '../avro/schema.ts';
import type { EncodeRows } from './binary-encoder.ts';
import { locate } from './binary-encoder.ts';
import { Cursor, malformed, readLength, readLong, SLACK, ValueMisfit } from './cursor.ts';
import type { EncodedColumn, Encoder } from './encoder.ts';
import type { Kind } from './kinds.ts';
import { maxTracker } from './max-tracker.ts';
import { doubleText, longText, readDouble } from './write-kinds.ts';

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
    cursor: new Cursor(chunkBytes + SLACK),
    header: NONE,
    trailer: NONE,
    encodeRows: encodeRows(
      columns.map((column) => column.emit),
      reads,
    ),
    maxMicros: max.value,
  };
}

/** Reads whole rows as text, one cell a column; undefined is NULL. */
export function rowReader(
  columns: readonly EncodedColumn[],
  fields: readonly AvroField[],
): (c: Cursor) => readonly (string | undefined)[] {
  const unlimited = columns.map((column) => ({ ...column, maxChars: undefined }));
  const reads = unlimited.map((column, i) => readColumn(column, fields[i], () => undefined));
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
  c.ensure(line.length * 3 + SLACK);
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
): Read {
  const scalar = limited(READ[column.kind], column.maxChars);
  const read = column.array ? readArray(scalar) : scalar;
  const branch = field?.nullBranch;
  return (c) => {
    if (branch !== undefined) {
      const byte = c.bytes[c.pos++];
      if (byte === branch * 2) return undefined;
      if (byte !== 2 - branch * 2) throw malformed('a union has no such branch');
    }
    const text = read(c);
    if (column.watermark) see(c);
    return text;
  };
}

/** An array in Postgres's braces, every element in quotes. */
function readArray(element: (c: Cursor) => string): (c: Cursor) => string {
  return (c) => {
    const items: string[] = [];
    for (;;) {
      readLong(c);
      let count = (c.hi | 0) * 4_294_967_296 + (c.lo >>> 0);
      if (count === 0) return `{${items.join(',')}}`;
      if (count < 0) {
        count = -count;
        readLong(c);
      }
      if (count > c.end - c.pos) throw malformed('an array goes beyond its block');
      for (let i = 0; i < count; i += 1) items.push(`"${element(c).replace(/["\\]/g, '\\$&')}"`);
    }
  };
}

function limited(read: (c: Cursor) => string, maxChars: number | undefined): (c: Cursor) => string {
  if (maxChars === undefined) return read;
  return (c) => {
    const text = read(c);
    if (text.length > maxChars && [...text].length > maxChars) {
      throw new ValueMisfit(`value too long for ${maxChars} characters`, text);
    }
    return text;
  };
}

function readText(c: Cursor): string {
  const length = readLength(c);
  const text = Buffer.from(c.bytes.buffer, c.bytes.byteOffset + c.pos, length).toString();
  c.pos += length;
  return text;
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

/** Longs that stand for dates and times do not come here: those columns travel as strings. */
const READ: Readonly<Record<Kind, (c: Cursor) => string>> = {
  int8: readLongText,
  int4: readLongText,
  int2: readLongText,
  longAsFloat8: readLongText,
  longAsFloat4: readLongText,
  float8: readDoubleText,
  float4: readDoubleText,
  doubleAsInt8: readDoubleText,
  doubleAsInt4: readDoubleText,
  doubleAsInt2: readDoubleText,
  doubleAsNumeric: readDoubleText,
  doubleAsText: readDoubleText,
  bool: (c) => (c.bytes[c.pos++] === 0 ? 'f' : 't'),
  text: readText,
  jsonb: readText,
  numeric: readText,
  uuid: readText,
  bytea: (c) => `\\x${readHex(c)}`,
  bytesAsUuid: readHex,
};
