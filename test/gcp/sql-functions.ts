import {
  ANY,
  BIGINT,
  type DuckDBConnection,
  DuckDBScalarFunction,
  type DuckDBType,
  type DuckDBValue,
  type DuckDBVector,
  LIST,
  VARCHAR,
} from '@duckdb/node-api';
import { formatMoment, splitMicros } from './calendar.ts';
import { canonicalDecimal, canonicalText, type ParsedKind } from './value-parse.ts';
import { castText, jsonText, listItems } from './value-text.ts';
import { parseValueType, TAGGED_TYPES, type ValueType } from './value-type.ts';

/** Makes BigQuery's functions and types known to DuckDB, under the prefix `bq_`. */
export async function defineFunctions(connection: DuckDBConnection): Promise<void> {
  for (const [name, type] of Object.entries(TAGGED_TYPES)) {
    await connection.run(`CREATE TYPE ${name} AS ${type}`);
  }
  for (const definition of scalarFunctions()) connection.registerScalarFunction(definition);
  for (const macro of MACROS) await connection.run(`CREATE MACRO ${macro}`);
}

/** A function that answers text, or NULL, for each row; what it throws fails the query. */
function textFunction(
  name: string,
  parameterTypes: readonly DuckDBType[],
  prepare: (column: (at: number) => DuckDBVector) => (row: number) => string | null,
): DuckDBScalarFunction {
  return DuckDBScalarFunction.create({
    name,
    parameterTypes,
    returnType: VARCHAR,
    specialHandling: true,
    mainFunction: (info, input, output) => {
      try {
        const rows = input.rowCount;
        const compute = prepare((at) => input.getColumnVector(at));
        for (let row = 0; row < rows; row += 1) output.setItem(row, compute(row));
        output.flush();
      } catch (error) {
        info.setError(error instanceof Error ? error.message : String(error));
      }
    },
  });
}

/** A function of a value and of its type's name, which is the same for all rows. */
function typedFunction(
  name: string,
  compute: (value: DuckDBValue, type: ValueType) => string | null,
): DuckDBScalarFunction {
  return textFunction(name, [ANY, VARCHAR], (column) => {
    const typeName = String(column(1).getItem(0));
    // A bare NULL comes in a vector that the binding cannot read.
    if (typeName === '"NULL"') return () => compute(null, { kind: 'INT64' });
    const values = column(0);
    const type = typeNamed(typeName);
    return (row) => compute(values.getItem(row), type);
  });
}

const knownTypes = new Map<string, ValueType>();

function typeNamed(name: string): ValueType {
  const known = knownTypes.get(name) ?? parseValueType(name);
  knownTypes.set(name, known);
  return known;
}

function scalarFunctions(): DuckDBScalarFunction[] {
  return [
    typedFunction('bq_json_of', jsonText),
    typedFunction('bq_text_of', (value, type) => (value === null ? null : castText(value, type))),
    textFunction('bq_canonical_of', [VARCHAR, VARCHAR], (column) => {
      const [texts, kind] = [column(0), String(column(1).getItem(0)) as ParsedKind];
      return (row) => {
        const text = texts.getItem(row);
        return text === null ? null : canonicalText(String(text), kind);
      };
    }),
    textFunction('bq_decimal_of', [VARCHAR], (column) => {
      const texts = column(0);
      return (row) => {
        const text = texts.getItem(row);
        return text === null ? null : canonicalDecimal(String(text));
      };
    }),
    textFunction('bq_format_of', [VARCHAR, LIST(VARCHAR)], (column) => {
      const [formats, values] = [column(0), column(1)];
      return (row) => {
        const format = formats.getItem(row);
        return format === null ? null : formatText(String(format), listItems(values.getItem(row)));
      };
    }),
    textFunction('bq_moment_of', [VARCHAR, BIGINT], (column) => {
      const [formats, moments] = [column(0), column(1)];
      return (row) => {
        const format = formats.getItem(row);
        const micros = moments.getItem(row);
        if (format === null || typeof micros !== 'bigint') return null;
        const moment = splitMicros(micros);
        return formatMoment(String(format), moment.days, moment.micros);
      };
    }),
  ];
}

/** FORMAT with the conversions %t, %s, %d, %i and %e, with flags and width; arguments come as text. */
function formatText(format: string, values: readonly DuckDBValue[]): string | null {
  let next = 0;
  let isNull = false;
  const text = format.replace(
    /%([-0]*)(\d*)(?:\.(\d+))?(.)/g,
    (_, flags: string, width: string, digits: string | undefined, kind: string) => {
      if (kind === '%') return '%';
      const known = kind === 'e' ? digits !== undefined : 'tsdi'.includes(kind);
      if (!known) throw new Error(`the stand-in has no FORMAT conversion %${kind}`);
      const value = values[next] ?? null;
      next += 1;
      if (value === null && kind !== 't') isNull = true;
      const plain =
        value === null ? 'NULL' : kind === 'e' ? exponential(value, digits) : String(value);
      if (flags.includes('-')) return plain.padEnd(Number(width));
      return plain.padStart(Number(width), flags.includes('0') ? '0' : ' ');
    },
  );
  // %s and %d of a NULL make the whole NULL (recorded: standard_functions, FORMAT of NULL).
  return isNull ? null : text;
}

/** A double as C's %e writes it, with two digits of the exponent at least. */
function exponential(value: DuckDBValue, digits: string | undefined): string {
  const text = String(value);
  if (!Number.isFinite(Number(text))) return text.toLowerCase();
  const [mantissa, power = ''] = Number(text).toExponential(Number(digits)).split('e');
  return `${mantissa}e${power.slice(0, 1)}${power.slice(1).padStart(2, '0')}`;
}

/** CAST(x AS kind): of a STRING by BigQuery's rules, of all else by DuckDB's. */
function castMacro(
  name: string,
  kind: ParsedKind,
  type: string,
  otherwise = `CAST(x AS ${type})`,
): string {
  return `${name}(x) AS CASE WHEN typeof(x) = 'VARCHAR'
     THEN CAST(bq_canonical_of(CAST(x AS VARCHAR), '${kind}') AS ${type}) ELSE ${otherwise} END`;
}

const MACROS = [
  `bq_to_json_string(x) AS bq_json_of(x, typeof(x))`,
  `bq_interval(months, days, micros) AS
     to_months(months) + to_days(days) + to_microseconds(micros)`,
  `bq_to_string(x) AS CASE WHEN typeof(x) IN ('VARCHAR', 'BIGINT', 'INTEGER', 'BOOLEAN', 'DATE')
     THEN CAST(x AS VARCHAR) ELSE bq_text_of(x, typeof(x)) END`,
  `bq_string(x) AS bq_text_of(x, typeof(x)), (x, zone) AS CASE WHEN zone IN ('UTC', '+00', '+00:00')
     THEN bq_text_of(x, typeof(x)) ELSE error('the stand-in writes texts in UTC only') END`,
  `bq_to_bytes(x) AS encode(CAST(x AS VARCHAR))`,
  castMacro('bq_to_bool', 'BOOL', 'BOOLEAN'),
  castMacro(
    'bq_to_float64',
    'FLOAT64',
    'DOUBLE',
    `CASE WHEN typeof(x) LIKE 'STRUCT%' THEN CAST(bq_text_of(x, typeof(x)) AS DOUBLE)
     ELSE TRY_CAST(x AS DOUBLE) END`,
  ),
  castMacro('bq_to_date', 'DATE', 'DATE'),
  castMacro('bq_to_time', 'TIME', 'TIME'),
  // A FLOAT64 is rounded half away from zero (documentation: "CAST AS INTEGER").
  castMacro(
    'bq_to_int64',
    'INT64',
    'BIGINT',
    `CASE WHEN typeof(x) = 'DOUBLE' THEN CAST(round(TRY_CAST(x AS DOUBLE)) AS BIGINT)
     ELSE CAST(x AS BIGINT) END`,
  ),
  `bq_to_bignumeric(x) AS CASE WHEN x IS NULL THEN NULL
     ELSE struct_pack("$bignumeric" := bq_decimal_of(bq_text_of(x, typeof(x)))) END`,
  `bq_parse_numeric(x) AS CAST(x AS DECIMAL(38,9))`,
  `bq_parse_bignumeric(x) AS bq_to_bignumeric(x)`,
  `bq_from_hex(x) AS unhex(x)`,
  `bq_to_hex(x) AS lower(hex(x))`,
  `bq_to_base64(x) AS to_base64(x)`,
  `bq_from_base64(x) AS from_base64(x)`,
  `bq_safe_convert_bytes_to_string(x) AS TRY(decode(x))`,
  `bq_format(f) AS bq_format_of(f, []),
     (f, a) AS bq_format_of(f, [bq_to_string(a)]),
     (f, a, b) AS bq_format_of(f, [bq_to_string(a), bq_to_string(b)]),
     (f, a, b, c) AS bq_format_of(f, [bq_to_string(a), bq_to_string(b), bq_to_string(c)])`,
  `bq_format_date(f, d) AS bq_moment_of(f, epoch_us(CAST(d AS TIMESTAMP)))`,
  `bq_format_datetime(f, d) AS bq_moment_of(f, epoch_us(CAST(d AS TIMESTAMP)))`,
  `bq_format_time(f, t) AS bq_moment_of(f, date_diff('microsecond', TIME '00:00:00', t))`,
  `bq_format_timestamp(f, t) AS bq_moment_of(f, epoch_us(t)),
     (f, t, zone) AS CASE WHEN zone IN ('UTC', '+00', '+00:00') THEN bq_moment_of(f, epoch_us(t))
     ELSE error('the stand-in formats in UTC only') END`,
  `${castMacro('bq_datetime', 'DATETIME', 'TIMESTAMP')}, (x, zone) AS timezone(zone, x),
     (y, mo, d, h, mi, s) AS make_timestamp(y, mo, d, h, mi, s)`,
  // With a zone beside it, the text itself has none.
  `${castMacro('bq_timestamp', 'TIMESTAMP', 'TIMESTAMPTZ')},
     (x, zone) AS timezone(zone, bq_datetime(x))`,
  `bq_timestamp_micros(x) AS make_timestamptz(x)`,
  `bq_timestamp_millis(x) AS make_timestamptz(CAST(x AS BIGINT) * 1000)`,
  `bq_timestamp_seconds(x) AS make_timestamptz(CAST(x AS BIGINT) * 1000000)`,
  `bq_unix_micros(x) AS epoch_us(x)`,
  `bq_unix_millis(x) AS (epoch_us(x) - ((epoch_us(x) % 1000) + 1000) % 1000) // 1000`,
  `bq_unix_seconds(x) AS (epoch_us(x) - ((epoch_us(x) % 1000000) + 1000000) % 1000000) // 1000000`,
  `bq_unix_date(x) AS date_diff('day', DATE '1970-01-01', x)`,
  `bq_date_from_unix_date(x) AS DATE '1970-01-01' + CAST(x AS INTEGER)`,
  `bq_is_nan(x) AS isnan(x)`,
  `bq_is_inf(x) AS isinf(x)`,
  `bq_ieee_divide(x, y) AS CAST(x AS DOUBLE) / CAST(y AS DOUBLE)`,
  `bq_safe_divide(x, y) AS CASE WHEN y = 0 THEN NULL ELSE CAST(x AS DOUBLE) / y END`,
  `bq_char_length(x) AS CASE WHEN typeof(x) = 'BLOB' THEN octet_length(TRY_CAST(x AS BLOB))
     ELSE length(CAST(x AS VARCHAR)) END`,
  `bq_length(x) AS bq_char_length(x)`,
  `bq_character_length(x) AS bq_char_length(x)`,
  `bq_byte_length(x) AS CASE WHEN typeof(x) = 'BLOB' THEN octet_length(TRY_CAST(x AS BLOB))
     ELSE strlen(CAST(x AS VARCHAR)) END`,
  `bq_octet_length(x) AS bq_byte_length(x)`,
  `bq_generate_array(x, y) AS generate_series(x, y), (x, y, step) AS generate_series(x, y, step)`,
  // BYTES in BigQuery, text in DuckDB (recorded: hash_md5).
  `bq_md5(x) AS unhex(md5(x))`,
  `bq_sha256(x) AS unhex(sha256(x))`,
  `bq_regexp_contains(x, pattern) AS regexp_matches(x, pattern)`,
  `bq_generate_uuid() AS CAST(gen_random_uuid() AS VARCHAR)`,
  `bq_json_value(x) AS json_extract_string(x, '$'), (x, path) AS json_extract_string(x, path)`,
  `bq_json_query(x) AS json_extract(x, '$'), (x, path) AS json_extract(x, path)`,
  `bq_parse_json(x) AS CAST(x AS JSON)`,
  `bq_to_json(x) AS CAST(bq_json_of(x, typeof(x)) AS JSON)`,
  `bq_st_astext(x) AS struct_extract(x, '$geography')`,
  `bq_st_geogfromtext(x) AS CASE WHEN x IS NULL THEN NULL ELSE struct_pack("$geography" := x) END`,
  `bq_st_geogpoint(x, y) AS struct_pack("$geography" := concat('POINT(',
     bq_text_of(CAST(x AS DOUBLE), 'DOUBLE'), ' ', bq_text_of(CAST(y AS DOUBLE), 'DOUBLE'), ')'))`,
  `bq_range(x, y) AS struct_pack("$start" := x, "$end" := y)`,
  `bq_range_start(x) AS struct_extract(x, '$start')`,
  `bq_range_end(x) AS struct_extract(x, '$end')`,
];
