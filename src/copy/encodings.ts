import type { AvroScalar } from '../avro/schema.ts';

/**
 * How one value is re-framed from Avro into COPY: each encoding reads one Avro type and writes what
 * the receive function of its Postgres types reads.
 */
export const ENCODINGS = {
  /** int8; also timestamp, timestamptz and time, as microseconds. */
  int8: { avro: 'long' },
  /** int4; also date, as days. */
  int4: { avro: 'long' },
  int2: { avro: 'long' },
  float8: { avro: 'double' },
  /** The nearest float4; one too large is an error. */
  float4: { avro: 'double' },
  /** Whole doubles only. */
  doubleAsInt8: { avro: 'double' },
  doubleAsInt4: { avro: 'double' },
  doubleAsInt2: { avro: 'double' },
  /** Longs that a double holds exactly. */
  longAsFloat8: { avro: 'long' },
  longAsFloat4: { avro: 'long' },
  bool: { avro: 'boolean' },
  /** Bytes as they are, as text or bytea: text, json, xml, enum labels, ... */
  text: { avro: 'string' },
  /** Text of at most 63 bytes, which the server refuses to read in binary, and cuts in text. */
  name: { avro: 'string' },
  bytea: { avro: 'bytes' },
  jsonb: { avro: 'string' },
  /** Decimal text in base-10000 groups. */
  numeric: { avro: 'string' },
  /** The shortest decimal that reads back as the same double. */
  doubleAsNumeric: { avro: 'double' },
  doubleAsText: { avro: 'double' },
  /** 32 hexadecimal digits, with or without hyphens. */
  uuid: { avro: 'string' },
  /** Sixteen bytes. */
  bytesAsUuid: { avro: 'bytes' },
  /** GoogleSQL's canonical text, `1-2 3 4:5:6.789`: no setting of the server decides what it means. */
  interval: { avro: 'string' },
  /** Decimal text with at most two digits behind the point; the lc_monetary of the server has two too. */
  money: { avro: 'string' },
} as const satisfies Record<string, { readonly avro: AvroScalar }>;

export type Encoding = keyof typeof ENCODINGS;
