import type { Cursor } from './cursor.ts';
import type { Encoding } from './encodings.ts';
import type { ObservedColumns } from './observed-columns.ts';
import type { VectorShape } from './read-vector.ts';

/** What the encoder has to know of one column of the export, in the export's order. */
export interface EncodedColumn {
  /** The Avro field's name: `c0`, `c1`, ... */
  readonly alias: string;
  readonly encoding: Encoding;
  readonly array: boolean;
  /** What the elements of an Avro array become, where that is no array. */
  readonly vector?: VectorShape | undefined;
  /** pg_type.oid of an array's elements. */
  readonly elementOid: number;
  /** pg_type.typdelim of an array's elements, where it is not a comma. */
  readonly delimiter?: string;
  /** n of varchar(n): longer values are refused here, as the server would cut trailing spaces. */
  readonly maxChars: number | undefined;
  /** Its longs are the watermark, in microseconds since 2000-01-01. */
  readonly watermark: boolean;
  /** Its longs count rows of the source that the row replaces. */
  readonly leftOut: boolean;
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
   * chunk to `chunkBytes`, and returns how many were done. Throws InvalidValueError and
   * MalformedBlockError with the `row` (in this call) and `column` where it stopped.
   */
  readonly encodeRows: EncodeRows;
  /** What it has seen so far of the columns that are looked at. */
  readonly observed: ObservedColumns;
}

/** Encodes up to `rows` rows; gives how many were done. */
export type EncodeRows = (c: Cursor, rows: number, chunkBytes: number) => number;
