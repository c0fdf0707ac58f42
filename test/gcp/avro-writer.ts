import {
  DuckDBBigIntVector,
  DuckDBBlobValue,
  DuckDBDecimalValue,
  DuckDBDoubleVector,
  DuckDBTimestampTZValue,
  type DuckDBValue,
  type DuckDBVector,
} from '@duckdb/node-api';
import { ApiError } from './api-error.ts';
import type { ByteSink } from './byte-sink.ts';
import { castText, listItems, structValues } from './value-text.ts';
import type { ValueType } from './value-type.ts';

/** Writes the value of one row of a column to a sink. */
export type WriteRow = (sink: ByteSink, row: number) => void;

/**
 * A writer for a column of a chunk. The plain types are read from DuckDB's memory as they lie
 * there: an export of millions of rows has to take seconds.
 */
export function columnWriter(name: string, type: ValueType, vector: DuckDBVector): WriteRow {
  if (vector instanceof DuckDBBigIntVector) {
    return (sink, row) => {
      const value = vector.getItem(row);
      sink.byte(value === null ? 0 : 2);
      if (value !== null) sink.bigLong(value);
    };
  }
  if (vector instanceof DuckDBDoubleVector) {
    return (sink, row) => {
      const value = vector.getItem(row);
      sink.byte(value === null ? 0 : 2);
      if (value !== null) sink.double(value);
    };
  }
  return (sink, row) => writeField(sink, vector.getItem(row), type, name);
}

/** A field: an array as it is, anything else behind the index of its branch in ["null", T]. */
function writeField(sink: ByteSink, value: DuckDBValue, type: ValueType, name: string): void {
  if (type.kind === 'ARRAY') {
    writeArray(sink, value, type.element, name);
    return;
  }
  sink.byte(value === null ? 0 : 2);
  if (value !== null) writeValue(sink, value, type, name);
}

function writeArray(sink: ByteSink, value: DuckDBValue, element: ValueType, name: string): void {
  const items = listItems(value);
  if (items.length > 0) sink.long(items.length);
  for (const item of items) {
    if (item === null) {
      // Documentation: "NULLs and the ARRAY type".
      throw new ApiError(
        'invalidQuery',
        `Array cannot have a null element; error in writing field ${name}`,
      );
    }
    writeValue(sink, item, element, name);
  }
  sink.byte(0);
}

function writeValue(sink: ByteSink, value: DuckDBValue, type: ValueType, name: string): void {
  if (typeof value === 'string') sink.text(value);
  else if (typeof value === 'bigint') sink.bigLong(value);
  else if (typeof value === 'boolean') sink.byte(value ? 1 : 0);
  else if (typeof value === 'number' && type.kind === 'FLOAT64') sink.double(value);
  // DuckDB's small integers are numbers too.
  else if (typeof value === 'number') sink.long(value);
  else if (value instanceof DuckDBBlobValue) sink.bytes(value.bytes);
  else if (value instanceof DuckDBTimestampTZValue) sink.bigLong(value.micros);
  else if (value instanceof DuckDBDecimalValue) sink.bytes(decimalBytes(value));
  else if (type.kind === 'STRUCT' || type.kind === 'RANGE') {
    writeRecord(sink, value, type, name);
  } else if (type.kind === 'BIGNUMERIC') sink.bytes(bigEndian(unscaled(castText(value, type))));
  else sink.text(castText(value, type));
}

function writeRecord(sink: ByteSink, value: DuckDBValue, type: ValueType, name: string): void {
  structValues(value).forEach((item, at) => {
    const field = type.kind === 'STRUCT' ? type.fields[at] : undefined;
    const itemType = type.kind === 'RANGE' ? type.element : (field?.type ?? { kind: 'STRING' });
    writeField(sink, item, itemType, field?.name ?? name);
  });
}

/** As a whole number of 10^-9, NUMERIC's scale. */
function decimalBytes(value: DuckDBDecimalValue): Uint8Array {
  return bigEndian(value.value * 10n ** BigInt(9 - value.scale));
}

/** The digits of a BIGNUMERIC as a whole number of 10^-38. */
function unscaled(text: string): bigint {
  const [whole = '0', fraction = ''] = text.split('.');
  return BigInt(whole + fraction.padEnd(38, '0'));
}

/** Two's complement, the shortest that keeps the sign (Avro specification, "Decimal"). */
function bigEndian(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.unshift(Number(rest & 255n));
    rest >>= 8n;
  } while (!((rest === 0n && (bytes[0] ?? 0) < 128) || (rest === -1n && (bytes[0] ?? 0) > 127)));
  return Uint8Array.from(bytes);
}
