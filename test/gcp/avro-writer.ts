import {
  DuckDBBigIntVector,
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBDoubleVector,
  DuckDBTimestampTZValue,
  DuckDBTimeValue,
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
export function columnWriter(
  name: string,
  type: ValueType,
  vector: DuckDBVector,
  logicalTypes: boolean,
): WriteRow {
  if (vector instanceof DuckDBBigIntVector) {
    return (sink, row) => {
      const value = vector.getItem(row);
      if (value === null) return sink.byte(0);
      sink.byte(2);
      sink.bigLong(value);
    };
  }
  if (vector instanceof DuckDBDoubleVector) {
    return (sink, row) => {
      const value = vector.getItem(row);
      if (value === null) return sink.byte(0);
      sink.byte(2);
      sink.double(value);
    };
  }
  return (sink, row) => writeField(sink, vector.getItem(row), type, name, logicalTypes);
}

/** A field: an array as it is, anything else behind the index of its branch in ["null", T]. */
function writeField(
  sink: ByteSink,
  value: DuckDBValue,
  type: ValueType,
  name: string,
  logical: boolean,
): void {
  if (type.kind === 'ARRAY') return writeArray(sink, value, type.element, name, logical);
  if (value === null) return sink.byte(0);
  sink.byte(2);
  writeValue(sink, value, type, name, logical);
}

function writeArray(
  sink: ByteSink,
  value: DuckDBValue,
  element: ValueType,
  name: string,
  logical: boolean,
): void {
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
    writeValue(sink, item, element, name, logical);
  }
  sink.byte(0);
}

function writeValue(
  sink: ByteSink,
  value: DuckDBValue,
  type: ValueType,
  name: string,
  logical: boolean,
): void {
  if (typeof value === 'string') return sink.text(value);
  if (typeof value === 'bigint') return sink.bigLong(value);
  if (typeof value === 'boolean') return sink.byte(value ? 1 : 0);
  if (typeof value === 'number') {
    // DuckDB's small integers are numbers too.
    return type.kind === 'FLOAT64' ? sink.double(value) : sink.long(value);
  }
  if (value instanceof DuckDBBlobValue) return sink.bytes(value.bytes);
  if (value instanceof DuckDBTimestampTZValue) return sink.bigLong(value.micros);
  if (value instanceof DuckDBDecimalValue)
    return sink.bytes(bigEndian(value.value * 10n ** BigInt(9 - value.scale)));
  if (type.kind === 'BIGNUMERIC') return sink.bytes(bigEndian(unscaled(castText(value, type))));
  if (logical && value instanceof DuckDBDateValue) return sink.long(value.days);
  if (logical && value instanceof DuckDBTimeValue) return sink.bigLong(value.micros);
  if (type.kind === 'STRUCT') {
    structValues(value).forEach((item, at) => {
      const field = type.fields[at];
      if (field !== undefined) writeField(sink, item, field.type, field.name, logical);
    });
    return;
  }
  if (type.kind === 'RANGE') {
    for (const bound of structValues(value)) writeField(sink, bound, type.element, name, logical);
    return;
  }
  sink.text(castText(value, type));
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
