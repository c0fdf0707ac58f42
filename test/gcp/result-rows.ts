import {
  DuckDBBlobValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  type DuckDBValue,
} from '@duckdb/node-api';
import { datetimeText } from './calendar.ts';
import { castText, listItems, structValues } from './value-text.ts';
import type { ValueType } from './value-type.ts';

/** How TIMESTAMPs are written (discovery document, `DataFormatOptions`). */
export type TimestampFormat = 'FLOAT64' | 'INT64' | 'ISO8601_STRING';

export interface RestRow {
  readonly f: readonly { readonly v: unknown }[];
}

/** A row as the REST API writes it: every scalar is text (documentation: "TableRow"; recorded). */
export function restRow(
  values: readonly DuckDBValue[],
  types: readonly ValueType[],
  format: TimestampFormat,
): RestRow {
  return {
    f: values.map((value, at) => ({
      v: restValue(value, types[at] ?? { kind: 'STRING' }, format),
    })),
  };
}

function restValue(value: DuckDBValue, type: ValueType, format: TimestampFormat): unknown {
  // A NULL array reads as an empty one (documentation: "NULLs and the ARRAY type").
  if (type.kind === 'ARRAY') {
    return listItems(value).map((item) => ({ v: restValue(item, type.element, format) }));
  }
  if (value === null) return null;
  if (type.kind === 'STRUCT') {
    const types = type.fields.map((field) => field.type);
    return restRow(structValues(value), types, format);
  }
  if (type.kind === 'RANGE') {
    const [start, end] = structValues(value).map((bound) =>
      bound === null ? 'UNBOUNDED' : restValue(bound, type.element, format),
    );
    return `[${start}, ${end})`;
  }
  if (typeof value === 'number' && type.kind === 'FLOAT64') return floatText(value);
  if (value instanceof DuckDBBlobValue) return Buffer.from(value.bytes).toString('base64');
  if (value instanceof DuckDBTimestampTZValue) return timestampText(value.micros, format);
  if (value instanceof DuckDBTimestampValue) return datetimeText(value.micros, 'T');
  return castText(value, type);
}

/** `1.0`, `NaN`, `Infinity`: as JSON numbers are written, in quotes. */
function floatText(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e21 ? value.toFixed(1) : String(value);
}

function timestampText(micros: bigint, format: TimestampFormat): string {
  if (format === 'INT64') return String(micros);
  if (format === 'ISO8601_STRING') return `${datetimeText(micros, 'T')}Z`;
  // Seconds since the epoch in exponent notation, such as 1.704067200123456E9.
  const sign = micros < 0n ? '-' : '';
  const digits = String(micros < 0n ? -micros : micros);
  const fraction = digits.slice(1).replace(/0+$/, '') || '0';
  return micros === 0n ? '0.0' : `${sign}${digits[0]}.${fraction}E${digits.length - 7}`;
}
