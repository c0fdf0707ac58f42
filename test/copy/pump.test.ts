import { afterAll, beforeAll, expect, test } from 'bun:test';
import type postgres from 'postgres';
import { createEncoder } from '../../src/copy/create-encoder.ts';
import { CHUNK_BYTES, createPump } from '../../src/copy/pump.ts';
import { MalformedBlockError } from '../../src/copy/row-error.ts';
import { type CopyStream, openCopy } from '../../src/postgres/copy-stream.ts';
import type { TestDatabase } from '../server/database.ts';
import { sharedPostgres } from '../server/shared.ts';
import { avroBlock, columnsOf, fieldsOf, type Shape } from './round-trip.ts';
import { SAMPLES } from './samples.ts';

const SHAPES: readonly Shape[] = (['int8', 'text', 'float8'] as const).map((kind) => ({
  sample: SAMPLES.find((each) => each.encoding === kind) as Shape['sample'],
  array: false,
  nulls: 'none',
  elementNulls: 'none',
}));
const MIB = 2 ** 20;

let database: TestDatabase;
let session: postgres.ReservedSql;
beforeAll(async () => {
  database = await (await sharedPostgres()).createDatabase();
  await database.sql`CREATE TABLE pumped (n bigint, word text, x double precision)`;
  session = await database.sql.reserve();
});
afterAll(async () => {
  session.release();
  await database.drop();
});

/** A block of the rows, as the Avro reader hands it out. */
function blockOf(rows: readonly (readonly [bigint, string, number])[]) {
  return { rows: rows.length, bytes: avroBlock(SHAPES, rows), start: 0, end: 0 };
}

const open = () => openCopy(session, 'COPY pumped FROM STDIN (FORMAT binary)');
const encoder = () => createEncoder('binary', columnsOf(SHAPES), fieldsOf(SHAPES), CHUNK_BYTES);

test('blocks of any size go through two chunks, huge values between small ones too', async () => {
  const copy = await open();
  const pump = createPump(encoder(), copy);
  const lengths = [10, 0, 3 * MIB, 1, CHUNK_BYTES, CHUNK_BYTES - 40, 6 * MIB, 5];
  const words = lengths.map((length, i) => String(i).repeat(length));
  await pump.push(blockOf(words.map((word, i) => [BigInt(i), word, i / 3])));
  const many = Array.from({ length: 50_000 }, (_, i) => [BigInt(i + 100), `row ${i}`, i] as const);
  for (let from = 0; from < many.length; from += 7_000) {
    await pump.push(blockOf(many.slice(from, from + 7_000)));
  }
  await pump.flush();
  expect(await copy.finish()).toBe(50_008);
  expect(pump.rows).toBe(50_008);
  const huge =
    await session`SELECT n::int, length(word) AS length, word = repeat(n::text, length(word)) AS whole,
    x = n / 3.0::float8 AS right FROM pumped WHERE n < 100 ORDER BY n`;
  expect([...huge]).toEqual(
    lengths.map((length, n) => ({ n, length, whole: true, right: true })) as never[],
  );
  const [rest] =
    await session`SELECT count(*)::int, sum(n)::bigint::text AS sum, bool_and(word = 'row ' || (n - 100)) AS right,
    bool_and(x = n - 100) AS too FROM pumped WHERE n >= 100`;
  expect(rest).toEqual({ count: 50_000, sum: '1254975000', right: true, too: true });
});

test('a block with bytes after its last row is malformed', async () => {
  const copy = await open();
  const block = blockOf([[1n, 'a', 1]]);
  const longer = { ...block, bytes: Buffer.concat([block.bytes, Buffer.from([0])]) };
  const error = await createPump(encoder(), copy)
    .push(longer)
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(MalformedBlockError);
  copy.abort(error as Error);
});

test('a value that does not fit is counted from the first row of the pump', async () => {
  const shapes = [
    { ...SHAPES[0], sample: SAMPLES.find((each) => each.encoding === 'int2') } as Shape,
  ];
  const narrow = createEncoder('binary', columnsOf(shapes), fieldsOf(shapes), CHUNK_BYTES);
  const sink = { write: async () => undefined } as unknown as CopyStream;
  const pump = createPump(narrow, sink);
  const blockWith = (...values: readonly bigint[]) => ({
    rows: values.length,
    bytes: avroBlock(
      shapes,
      values.map((value) => [value]),
    ),
    start: 0,
    end: 0,
  });
  await pump.push(blockWith(1n, 2n));
  const error = await pump.push(blockWith(3n, 99_999n)).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ row: 3, column: 0, value: '99999' });
});

test('a chunk that could not be written is told by the next push or the flush', async () => {
  const broken = { write: () => Promise.reject(new Error('no room')) } as unknown as CopyStream;
  const pump = createPump(encoder(), broken);
  await pump.push(blockOf([[1n, 'x'.repeat(CHUNK_BYTES), 1]]));
  await expect(pump.flush()).rejects.toThrow('no room');
});
