import {
  DuckDBBlobValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  type DuckDBValue,
} from '@duckdb/node-api';
import { datetimeText } from './calendar.ts';
import { castText, listItems, structValues } from './value-text.ts';
import type { ValueType } from './value-type.ts';

export interface RestRow {
  readonly f: readonly { readonly v: unknown }[];
}

/**
 * A row as the REST API writes it: every scalar is text (documentation: "TableRow"; recorded),
 * TIMESTAMPs as microseconds, for which the client always asks (`formatOptions.useInt64Timestamp`).
 */
export function restRow(values: readonly DuckDBValue[], types: readonly ValueType[]): RestRow {
  return {
    f: values.map((value, at) => ({ v: restValue(value, types[at] ?? { kind: 'STRING' }) })),
  };
}

function restValue(value: DuckDBValue, type: ValueType): unknown {
  // A NULL array reads as an empty one (documentation: "NULLs and the ARRAY type").
  if (type.kind === 'ARRAY') {
    return listItems(value).map((item) => ({ v: restValue(item, type.element) }));
  }
  if (value === null) return null;
  if (type.kind === 'STRUCT') {
    const types = type.fields.map((field) => field.type);
    return restRow(structValues(value), types);
  }
  if (type.kind === 'RANGE') {
    const [start, end] = structValues(value).map((bound) =>
      bound === null ? 'UNBOUNDED' : restValue(bound, type.element),
    );
    return `[${start}, ${end})`;
  }
  if (typeof value === 'number' && type.kind === 'FLOAT64') return floatText(value);
  if (value instanceof DuckDBBlobValue) return Buffer.from(value.bytes).toString('base64');
  if (value instanceof DuckDBTimestampTZValue) return String(value.micros);
  if (value instanceof DuckDBTimestampValue) return datetimeText(value.micros, 'T');
  return castText(value, type);
}

/** `1.0`, `NaN`, `Infinity`: as JSON numbers are written, in quotes. */
function floatText(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e21 ? value.toFixed(1) : String(value);
}
