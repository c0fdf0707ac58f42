import type { AvroField } from '../avro/schema.ts';
import { ProjectorError } from '../errors.ts';
import { createBinaryEncoder, type EncodeRows } from './binary-encoder.ts';
import type { Cursor } from './cursor.ts';
import { KINDS, type Kind } from './kinds.ts';
import { createTextEncoder } from './text-encoder.ts';

/** What the encoder has to know of one column of the export, in the export's order. */
export interface EncodedColumn {
  /** The Avro field's name: `c0`, `c1`, ... */
  readonly alias: string;
  readonly kind: Kind;
  readonly array: boolean;
  /** pg_type.oid of an array's elements. */
  readonly elementOid: number;
  /** pg_type.typdelim of an array's elements, where it is not a comma. */
  readonly delimiter?: string;
  /** n of varchar(n): longer values are refused here, as the server would cut trailing spaces. */
  readonly maxChars: number | undefined;
  /** Its longs are the watermark, in microseconds since 2000-01-01. */
  readonly watermark: boolean;
  /** Whether the value goes to Postgres; the others are only looked at. */
  readonly emit: boolean;
}

/** Turns Avro rows into COPY rows. One for each stream: it holds the state of its cursor. */
export interface Encoder {
  readonly cursor: Cursor;
  /** What COPY needs before the first row, and after the last. */
  readonly header: Uint8Array;
  readonly trailer: Uint8Array;
  /**
   * Encodes up to `rows` rows from the cursor's block; stops early after the row that brings the
   * chunk to `chunkBytes`, and returns how many were done. Throws ValueMisfit and MalformedBlock with
   * the `row` (in this call) and `column` where it stopped.
   */
  readonly encodeRows: EncodeRows;
  /** The greatest watermark seen so far. */
  readonly maxMicros: () => bigint | undefined;
}

/** Makes the encoder for one format; the object's own schema decides about unions and nulls. */
export function createEncoder(
  format: 'binary' | 'text',
  columns: readonly EncodedColumn[],
  fields: readonly AvroField[],
  chunkBytes: number,
): Encoder {
  checkFields(columns, fields);
  const create = format === 'binary' ? createBinaryEncoder : createTextEncoder;
  return create(columns, fields, chunkBytes);
}

function checkFields(columns: readonly EncodedColumn[], fields: readonly AvroField[]): void {
  const expected = columns.map((column) => `${column.alias} ${avroType(column)}`);
  const found = fields.map(
    (field) => `${field.name} ${field.items ? `array of ${field.items.scalar}` : field.scalar}`,
  );
  const at = expected.findIndex((text, i) => text !== found[i]);
  if (at < 0 && expected.length === found.length) return;
  throw new ProjectorError({
    code: 'UNEXPECTED_SCHEMA',
    message: `the export has the field ${found[at] ?? 'nothing'} where ${expected[at] ?? 'nothing'} was asked for`,
    next: 'Run again; if it happens again, the service that wrote the export does not follow the schema of its query.',
  });
}

function avroType(column: EncodedColumn): string {
  const scalar = KINDS[column.kind].avro;
  return column.array ? `array of ${scalar}` : scalar;
}
