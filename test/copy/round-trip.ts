import avsc from 'avsc';
import type postgres from 'postgres';
import { type AvroField, parseAvroSchema } from '../../src/avro/schema.ts';
import { createEncoder } from '../../src/copy/create-encoder.ts';
import type { EncodedColumn, Encoder } from '../../src/copy/encoder.ts';
import type { VectorShape } from '../../src/copy/read-vector.ts';
import { openCopy } from '../../src/postgres/copy-stream.ts';
import type { Sample } from './samples.ts';

/** How the null of a field is written: not at all, as the first branch of a union, as the second. */
export type Nulls = 'none' | 'first' | 'second';

/** One column of a made-up export. */
export interface Shape {
  readonly sample: Sample;
  readonly array: boolean;
  readonly nulls: Nulls;
  /** The same for the elements of an array. */
  readonly elementNulls: Nulls;
  /** What the elements of an array become, where that is no array. */
  readonly vector?: VectorShape;
}

/** A value as Avro holds it; null where the shape has nulls; a list for arrays. */
export type Cell = unknown;

const LONG = avsc.types.LongType.__with({
  fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const buffer = Buffer.alloc(8);
    buffer.writeBigInt64LE(value);
    return buffer;
  },
  fromJSON: BigInt,
  toJSON: String,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (one: bigint, other: bigint) => Number(one > other) - Number(one < other),
});

function avroType(scalar: string): avsc.Type {
  return avsc.Type.forSchema(scalar as avsc.Schema, { registry: { long: LONG } });
}

const union = (schema: unknown, nulls: Nulls): unknown =>
  nulls === 'none' ? schema : nulls === 'first' ? ['null', schema] : [schema, 'null'];

/** The fields as the product reads them from an object's header. */
export function fieldsOf(shapes: readonly Shape[]): readonly AvroField[] {
  const fields = shapes.map(({ sample, array, nulls, elementNulls }, i) => {
    const items = union(sample.avro, elementNulls);
    return { name: `c${i}`, type: union(array ? { type: 'array', items } : sample.avro, nulls) };
  });
  return parseAvroSchema(JSON.stringify({ type: 'record', name: 'Root', fields }), 'gs://b/o');
}

export function columnsOf(shapes: readonly Shape[]): readonly EncodedColumn[] {
  return shapes.map(({ sample, array, vector }, i) => ({
    alias: `c${i}`,
    encoding: sample.encoding,
    array,
    vector,
    elementOid: sample.oid,
    maxChars: undefined,
    watermark: false,
    leftOut: false,
    emit: true,
  }));
}

function withBranch(value: Cell, nulls: Nulls, write: (value: Cell) => Buffer): Buffer {
  if (nulls === 'none') return write(value);
  const branch = (value === null) === (nulls === 'first') ? 0 : 1;
  const index = Buffer.from([branch * 2]);
  return value === null ? index : Buffer.concat([index, write(value)]);
}

/** An array in blocks of `blockItems` items, every second one with a negative count and its bytes. */
function avroArray(items: readonly Buffer[], blockItems: number): Buffer {
  const long = avroType('long');
  const parts: Buffer[] = [];
  for (let from = 0; from < items.length; from += blockItems) {
    const block = items.slice(from, from + blockItems);
    const bytes = Buffer.concat(block);
    const negative = (from / blockItems) % 2 === 1;
    parts.push(long.toBuffer(BigInt(negative ? -block.length : block.length)));
    if (negative) parts.push(long.toBuffer(BigInt(bytes.length)));
    parts.push(bytes);
  }
  return Buffer.concat([...parts, long.toBuffer(0n)]);
}

/** The rows as the bytes of an Avro block; scalars are written by avsc. */
export function avroBlock(
  shapes: readonly Shape[],
  rows: readonly (readonly Cell[])[],
  blockItems = 3,
): Buffer {
  const types = shapes.map(({ sample }) => avroType(sample.avro));
  const cell = (value: Cell, { array, nulls, elementNulls }: Shape, type: avsc.Type) =>
    withBranch(value, nulls, (present) =>
      array
        ? avroArray(
            (present as Cell[]).map((item) =>
              withBranch(item, elementNulls, (each) => type.toBuffer(each)),
            ),
            blockItems,
          )
        : type.toBuffer(present),
    );
  return Buffer.concat(
    rows.flatMap((row) =>
      shapes.map((shape, i) => cell(row[i] as Cell, shape, types[i] as avsc.Type)),
    ),
  );
}

/** Encodes a whole block in chunks of `chunkBytes`, as the pump does. */
export function encodeAll(
  encoder: Encoder,
  block: Uint8Array,
  rows: number,
  chunkBytes: number,
): Buffer[] {
  const { cursor } = encoder;
  const chunks = [Buffer.from(encoder.header)];
  cursor.at = 0;
  cursor.read(block);
  for (let left = rows; left > 0; ) {
    left -= encoder.encodeRows(cursor, left, chunkBytes);
    if (left > 0 && cursor.at < chunkBytes) throw new Error('the encoder stopped too early');
    chunks.push(Buffer.from(cursor.out.subarray(0, cursor.at)));
    cursor.at = 0;
  }
  return [...chunks, Buffer.from(encoder.trailer)];
}

export interface RoundTrip {
  readonly format: 'binary' | 'text';
  readonly shapes: readonly Shape[];
  readonly rows: readonly (readonly Cell[])[];
  readonly chunkBytes: number;
}

/** Sends rows through the encoder and a real COPY, and reads Postgres's text of every cell. */
export async function copiedTexts(
  session: postgres.ReservedSql,
  { format, shapes, rows, chunkBytes }: RoundTrip,
): Promise<unknown[]> {
  const types = shapes.map(({ sample, array }) => sample.type + (array ? '[]' : ''));
  const encoder = createEncoder(format, columnsOf(shapes), fieldsOf(shapes), chunkBytes);
  const chunks = encodeAll(encoder, avroBlock(shapes, rows), rows.length, chunkBytes);
  await session.unsafe(`BEGIN;
    CREATE TEMPORARY TABLE copied (${types.map((type, i) => `c${i} ${type}`).join(', ')}) ON COMMIT DROP`);
  try {
    const copy = await openCopy(session, `COPY copied FROM STDIN (FORMAT ${format})`);
    for (const chunk of chunks) await copy.write(chunk);
    await copy.finish();
    const list = types.map((_, i) => `c${i}::text`).join(', ');
    return [...(await session.unsafe(`SELECT ${list} FROM copied ORDER BY ctid`).values())];
  } finally {
    await session.unsafe('ROLLBACK');
  }
}

/** What Postgres itself makes of the same values, written as text. */
export async function expectedTexts(
  session: postgres.ReservedSql,
  { shapes, rows }: RoundTrip,
): Promise<unknown[]> {
  const texts = rows.map((row) => row.map((value, i) => jsonOf(value, shapes[i] as Shape)));
  const list = shapes.map(({ sample, array }, i) =>
    array
      ? `CASE WHEN jsonb_typeof(r->${i}) = 'null' THEN NULL ELSE
          ARRAY(SELECT ${sample.expected('e')} FROM jsonb_array_elements_text(r->${i}) WITH ORDINALITY AS a(e, n) ORDER BY n)::text END`
      : `(${sample.expected(`(r->>${i})`)})::text`,
  );
  const query = `SELECT ${list.join(', ')} FROM jsonb_array_elements($1::text::jsonb) WITH ORDINALITY AS x(r, o) ORDER BY o`;
  return [...(await session.unsafe(query, [JSON.stringify(texts)]).values())];
}

function jsonOf(value: Cell, { sample, array }: Shape): unknown {
  const one = (each: Cell) => (each === null ? null : sample.text(each));
  return value === null || !array ? one(value) : (value as Cell[]).map(one);
}
