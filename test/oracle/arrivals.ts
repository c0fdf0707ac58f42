import fc from 'fast-check';
import type postgres from 'postgres';
import { createEncoder } from '../../src/copy/create-encoder.ts';
import type { EncodedColumn } from '../../src/copy/encoder.ts';
import { ENCODINGS } from '../../src/copy/encodings.ts';
import { openCopy } from '../../src/postgres/copy-stream.ts';
import { avroBlock, encodeAll, fieldsOf, type Shape } from '../copy/round-trip.ts';
import type { Value } from './value-proto.ts';

/** A column that values are copied to. */
export interface Destination {
  readonly format: 'binary' | 'text';
  readonly encoding: EncodedColumn['encoding'];
  readonly type: string;
}

const CHUNK_BYTES = 65_536;

/**
 * The values as PostgreSQL prints them once they went through the encoder and a COPY; `refused` where
 * the encoder or the server did not take one.
 */
export async function arrivals(
  session: postgres.ReservedSql,
  destination: Destination,
  values: readonly Value[],
): Promise<string[]> {
  const all = await copied(session, destination, values);
  if (all !== undefined) return all;
  const texts: string[] = [];
  for (const value of values) {
    const [text = 'refused'] = (await copied(session, destination, [value])) ?? [];
    texts.push(text);
  }
  return texts;
}

/** undefined where one of the values is refused. */
async function copied(
  session: postgres.ReservedSql,
  destination: Destination,
  values: readonly Value[],
): Promise<string[] | undefined> {
  await session.unsafe(`BEGIN; SET LOCAL timezone = 'UTC';
    CREATE TEMPORARY TABLE arrived (v ${destination.type}) ON COMMIT DROP`);
  try {
    const chunks = encoded(destination, values);
    const copy = await openCopy(session, `COPY arrived FROM STDIN (FORMAT ${destination.format})`);
    for (const chunk of chunks) await copy.write(chunk);
    await copy.finish();
    const rows = await session.unsafe<{ v: string }[]>(
      `SELECT coalesce(v::text, 'NULL') AS v FROM arrived ORDER BY ctid`,
    );
    return rows.map(({ v }) => v);
  } catch {
    return undefined;
  } finally {
    await session.unsafe('ROLLBACK');
  }
}

function encoded({ format, encoding }: Destination, values: readonly Value[]): readonly Buffer[] {
  const { avro } = ENCODINGS[encoding];
  const sample = { encoding, avro, type: '', oid: 0, values: fc.constant(0) };
  const shape: Shape = {
    sample: { ...sample, text: String, expected: String },
    array: false,
    nulls: 'first',
    elementNulls: 'none',
  };
  const column: EncodedColumn = {
    ...{ alias: 'c0', encoding, array: false, elementOid: 0 },
    ...{ maxChars: undefined, watermark: false, leftOut: false, emit: true },
  };
  const cells = values.map((value) => [value instanceof Uint8Array ? Buffer.from(value) : value]);
  const encoder = createEncoder(format, [column], fieldsOf([shape]), CHUNK_BYTES);
  return encodeAll(encoder, avroBlock([shape], cells), cells.length, CHUNK_BYTES);
}
