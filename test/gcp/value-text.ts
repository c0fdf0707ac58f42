import {
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBIntervalValue,
  DuckDBListValue,
  DuckDBStructValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTimeValue,
  type DuckDBValue,
} from '@duckdb/node-api';
import { dateText, datetimeText, timeText } from './calendar.ts';
import { canonicalJson } from './value-json.ts';
import type { ValueType } from './value-type.ts';

/** The fields of a struct by position: BigQuery allows names to repeat, DuckDB does not. */
export function structValues(value: DuckDBValue): readonly DuckDBValue[] {
  return value instanceof DuckDBStructValue ? Object.values(value.entries) : [];
}

export function listItems(value: DuckDBValue): readonly DuckDBValue[] {
  return value instanceof DuckDBListValue ? value.items : [];
}

/**
 * A FLOAT64 as text: the 15 digits of %g where they are exact, else 17 (documentation: "CAST AS
 * STRING", "approximate string representation"; ZetaSQL's RoundTripDoubleToString). NaN and zero
 * have no sign.
 */
export function doubleText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (value === 0) return '0';
  // The shortest text is the same wherever it is plain and of 15 digits at most.
  const shortest = String(value);
  const plain = /^-?(?!0\.0000)\d+(?:\.\d+)?$/.test(shortest);
  if (plain && shortest.replace(/[-.]/g, '').length <= 15) return shortest;
  const digits = Number(value.toPrecision(15)) === value ? 15 : 17;
  const [mantissa = '', power = '0'] = value.toExponential(digits - 1).split('e');
  const exponent = Number(power);
  if (exponent >= -4 && exponent < digits)
    return trimZeros(value.toFixed(Math.min(100, digits - 1 - exponent)));
  const sign = exponent < 0 ? '-' : '+';
  return `${trimZeros(mantissa)}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

/** `1.500` as `1.5`, `2.000` as `2`. */
export function trimZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** A value as CAST(... AS STRING) and FORMAT('%t') print it; a value in an array or struct too. */
export function castText(value: DuckDBValue, type: ValueType): string {
  if (value === null) return 'NULL';
  switch (type.kind) {
    case 'ARRAY':
      return `[${listItems(value)
        .map((item) => castText(item, type.element))
        .join(', ')}]`;
    case 'STRUCT':
      return `(${structValues(value)
        .map((item, at) => castText(item, type.fields[at]?.type ?? { kind: 'STRING' }))
        .join(', ')})`;
    case 'RANGE':
      return rangeText(value, type.element);
    default:
      return scalarText(value);
  }
}

/** `[2024-01-01, UNBOUNDED)` (documentation: "RANGE type"). */
function rangeText(value: DuckDBValue, element: ValueType): string {
  const [start = null, end = null] = structValues(value).map((bound) =>
    bound === null ? 'UNBOUNDED' : castText(bound, element),
  );
  return `[${start}, ${end})`;
}

function scalarText(value: DuckDBValue): string {
  if (typeof value === 'number') return doubleText(value);
  if (value instanceof DuckDBDecimalValue) return trimZeros(value.toString());
  if (value instanceof DuckDBDateValue) return dateText(value.days);
  if (value instanceof DuckDBTimeValue) return timeText(value.micros);
  if (value instanceof DuckDBTimestampTZValue) return `${datetimeText(value.micros)}+00`;
  if (value instanceof DuckDBTimestampValue) return datetimeText(value.micros);
  if (value instanceof DuckDBIntervalValue) return intervalText(value);
  if (value instanceof DuckDBStructValue) return String(structValues(value)[0]);
  if (value instanceof DuckDBBlobValue) {
    // Bytes that are not UTF-8 are an error of CAST (documentation: "CAST AS STRING").
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value.bytes);
  }
  return String(value);
}

/** `1-2 3 4:5:6.789` (documentation: "INTERVAL type", canonical format). */
function intervalText(value: DuckDBIntervalValue): string {
  const months = Math.abs(value.months);
  const micros = value.micros < 0n ? -value.micros : value.micros;
  const seconds = Number(micros / 1_000_000n);
  const fraction = timeText(micros % 1_000_000n).slice(8);
  const clock = `${Math.floor(seconds / 3600)}:${Math.floor(seconds / 60) % 60}:${seconds % 60}`;
  const yearMonth = `${value.months < 0 ? '-' : ''}${Math.floor(months / 12)}-${months % 12}`;
  return `${yearMonth} ${value.days} ${value.micros < 0n ? '-' : ''}${clock}${fraction}`;
}

/** `P1Y2M3DT4H5M6.789S`: ISO 8601, each part with its own sign, absent where it is zero. */
function intervalJson(value: DuckDBIntervalValue): string {
  const micros = value.micros < 0n ? -value.micros : value.micros;
  const sign = value.micros < 0n ? '-' : '';
  const part = (count: number | bigint, unit: string) => (Number(count) === 0 ? '' : count + unit);
  const signed = (count: bigint, unit: string) => part(count, unit) && sign + part(count, unit);
  const fraction = String(micros % 1_000_000n)
    .padStart(6, '0')
    .replace(/0+$/, '');
  const whole = (micros / 1_000_000n) % 60n;
  const seconds = fraction === '' ? signed(whole, 'S') : `${sign}${whole}.${fraction}S`;
  const years = Math.trunc(value.months / 12);
  const date = part(years, 'Y') + part(value.months % 12, 'M') + part(value.days, 'D');
  const hours = signed(micros / 3_600_000_000n, 'H');
  const time = hours + signed((micros / 60_000_000n) % 60n, 'M') + seconds;
  return date + time === '' ? 'P0Y' : `P${date}${time && `T${time}`}`;
}

/** 2^53: integers up to it are JSON numbers, beyond it strings. */
const EXACT = 9_007_199_254_740_992n;

/** A value as TO_JSON_STRING prints it (documentation: "JSON encodings"). */
export function jsonText(value: DuckDBValue, type: ValueType): string {
  if (value === null) return 'null';
  switch (type.kind) {
    case 'ARRAY':
      return `[${listItems(value)
        .map((item) => jsonText(item, type.element))
        .join(',')}]`;
    case 'STRUCT':
      return `{${structValues(value)
        .map((item, at) => jsonMember(item, type.fields[at]))
        .join(',')}}`;
    case 'RANGE': {
      const [start = null, end = null] = structValues(value);
      return `{"start":${jsonText(start, type.element)},"end":${jsonText(end, type.element)}}`;
    }
    case 'JSON':
      return canonicalJson(String(value));
    default:
      return jsonScalar(value, type);
  }
}

function jsonMember(
  value: DuckDBValue,
  field: { name: string; type: ValueType } | undefined,
): string {
  const type: ValueType = field?.type ?? { kind: 'STRING' };
  // An array of a table is never NULL, only empty (documentation: "NULLs and the ARRAY type").
  const text = value === null && type.kind === 'ARRAY' ? '[]' : jsonText(value, type);
  return `${jsonString(field?.name ?? '')}:${text}`;
}

function jsonScalar(value: DuckDBValue, type: ValueType): string {
  if (typeof value === 'bigint') {
    return value >= -EXACT && value <= EXACT ? String(value) : `"${value}"`;
  }
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return jsonNumber(value);
  if (type.kind === 'NUMERIC' || type.kind === 'BIGNUMERIC') return jsonDecimal(scalarText(value));
  if (value instanceof DuckDBBlobValue) return `"${Buffer.from(value.bytes).toString('base64')}"`;
  if (value instanceof DuckDBTimestampTZValue) return `"${datetimeText(value.micros, 'T')}Z"`;
  if (value instanceof DuckDBTimestampValue) return `"${datetimeText(value.micros, 'T')}"`;
  if (value instanceof DuckDBIntervalValue) return `"${intervalJson(value)}"`;
  return jsonString(scalarText(value));
}

/** The line separators of Unicode are escaped too, unlike in a value of type JSON. */
function jsonString(text: string): string {
  return JSON.stringify(text).replace(/[\u2028\u2029]/g, (separator) =>
    separator === '\u2028' ? '\\u2028' : '\\u2029',
  );
}

function jsonNumber(value: number): string {
  if (Number.isFinite(value)) return doubleText(value);
  return Number.isNaN(value) ? '"NaN"' : value > 0 ? '"Infinity"' : '"-Infinity"';
}

/** A whole number within 2^53 is a JSON number, any other decimal a string. */
function jsonDecimal(text: string): string {
  const whole = /^-?\d{1,16}$/.test(text) ? BigInt(text) : EXACT + 1n;
  return whole >= -EXACT && whole <= EXACT ? text : `"${text}"`;
}
