import type { AvroField } from '../avro/schema.ts';
import { Cursor, readItemCount, readLong } from './cursor.ts';
import type { EncodedColumn, EncodeRows, Encoder } from './encoder.ts';
import { ENCODINGS } from './encodings.ts';
import { ObservedColumns } from './observed-columns.ts';
import { type VectorShape, vectorReader } from './read-vector.ts';
import { locate, MalformedBlockError } from './row-error.ts';
import { VALUE_WRITERS, type Write, writeLimited, writeNull } from './write-values.ts';
import { vectorWriter } from './write-vector.ts';

/** The signature, flags and header extension of COPY BINARY (the COPY reference page, "Binary Format"). */
const BINARY_HEADER = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const BINARY_TRAILER = Buffer.from([0xff, 0xff]);

/**
 * Re-frames rows of Avro blocks into rows of COPY BINARY. `columns` and `fields` are in the same
 * order; a column without `emit` is looked at and not written.
 */
export function createBinaryEncoder(
  columns: readonly EncodedColumn[],
  fields: readonly AvroField[],
  chunkBytes: number,
): Encoder {
  const observed = new ObservedColumns();
  const writes = columns.map((column, i) => columnWrite(column, fields[i], observed.of(column)));
  return {
    cursor: new Cursor(chunkBytes, columns.length),
    header: BINARY_HEADER,
    trailer: BINARY_TRAILER,
    encodeRows: unroll(writes, columns.filter((column) => column.emit).length),
    observed,
  };
}

function columnWrite(
  column: EncodedColumn,
  field: AvroField | undefined,
  see: ((c: Cursor) => void) | undefined,
): Write {
  if (column.vector !== undefined) return vectorWrite(column, column.vector, field);
  const write = valueWrite(column);
  if (column.array) {
    const element = nullable(write, field?.items?.nullBranch);
    return nullable(writeArray(element, column.elementOid), field?.nullBranch);
  }
  if (see === undefined) return nullable(write, field?.nullBranch);
  if (column.emit) return nullable(both(write, see), field?.nullBranch);
  return nullable(both(readLong, see), field?.nullBranch, () => undefined);
}

function vectorWrite(
  { encoding }: EncodedColumn,
  shape: VectorShape,
  field: AvroField | undefined,
): Write {
  const read = vectorReader(shape, ENCODINGS[encoding].avro, field?.items?.nullBranch);
  return nullable(vectorWriter(shape.type, read), field?.nullBranch);
}

function both(first: Write, then: Write): Write {
  return (c) => {
    first(c);
    then(c);
  };
}

function valueWrite(column: EncodedColumn): Write {
  const limited = column.encoding === 'text' && column.maxChars !== undefined;
  return limited ? writeLimited(column.maxChars) : VALUE_WRITERS[column.encoding];
}

/** Reads the branch of the union first, where there is one. */
function nullable(write: Write, branch: 0 | 1 | undefined, ifNull = writeNull): Write {
  if (branch === undefined) return write;
  const nullByte = branch * 2;
  const valueByte = 2 - nullByte;
  return (c) => {
    const byte = c.bytes[c.pos++];
    if (byte === valueByte) {
      write(c);
      return;
    }
    if (byte !== nullByte) throw new MalformedBlockError('a union has no such branch');
    ifNull(c);
  };
}

/**
 * array_recv: dimensions, whether NULLs follow, the element type, then length and lower bound of
 * the one dimension. An empty array has no dimension.
 */
function writeArray(element: Write, elementOid: number): Write {
  return (c) => {
    const start = c.at;
    c.at += 24;
    let items = 0;
    for (let count = readItemCount(c); count > 0; count = readItemCount(c)) {
      for (let i = 0; i < count; i += 1) {
        c.ensure(0);
        element(c);
      }
      items += count;
    }
    c.ensure(0);
    const { outView, at } = c;
    if (items === 0) c.at = start + 16;
    outView.setInt32(start, (items === 0 ? start + 16 : at) - start - 4);
    outView.setInt32(start + 4, items === 0 ? 0 : 1);
    outView.setInt32(start + 8, 0); // whether NULLs follow: array_recv looks for itself
    outView.setInt32(start + 12, elementOid);
    outView.setInt32(start + 16, items);
    outView.setInt32(start + 20, 1);
  };
}

/**
 * The loop over rows with one call a column, written out: each call then has one target for the
 * compiler to inline, which a loop over a list of functions has not.
 * Stops after the row that fills the chunk, and gives the rows done.
 */
function unroll(writes: readonly Write[], emitted: number): EncodeRows {
  const names = writes.map((_, i) => `w${i}`);
  const body = `return (c, rows, chunkBytes) => {
    let row = 0, column = 0;
    try {
      for (; row < rows && c.at < chunkBytes; row++) {
        c.ensure(0);
        c.outView.setInt16(c.at, ${emitted});
        c.at += 2;
        ${names.map((name, i) => `column = ${i}; ${name}(c);`).join('\n        ')}
        if (c.pos > c.end) throw new MalformedBlockError('a row goes beyond its block');
      }
    } catch (error) {
      throw locate(error, row, column);
    }
    return row;
  };`;
  const make = new Function('MalformedBlockError', 'locate', ...names, body);
  return make(MalformedBlockError, locate, ...writes) as EncodeRows;
}
