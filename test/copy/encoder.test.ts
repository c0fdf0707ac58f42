import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type postgres from 'postgres';
import type { TestDatabase } from '../server/database.ts';
import { sharedPostgres } from '../server/shared.ts';
import { copiedTexts, expectedTexts, type RoundTrip, type Shape } from './round-trip.ts';
import { SAMPLES, type Sample, TIME_SAMPLES } from './samples.ts';

let database: TestDatabase;
let session: postgres.ReservedSql;

beforeAll(async () => {
  database = await (await sharedPostgres()).createDatabase();
  await database.sql`SELECT 1`; // a pool without a connection would never hand one out
  session = await database.sql.reserve();
});

afterAll(async () => {
  session.release();
  await database.drop();
});

const nulls = fc.constantFrom('none', 'first', 'second');
const chunkBytes = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.constant(65_536));

const shapeOf = (samples: readonly Sample[]): fc.Arbitrary<Shape> =>
  fc.record({
    sample: fc.constantFrom(...samples),
    array: fc.boolean(),
    nulls,
    elementNulls: nulls,
  }) as fc.Arbitrary<Shape>;

function cells({ sample, array, ...shape }: Shape): fc.Arbitrary<unknown> {
  const one = shape.elementNulls === 'none' ? sample.values : fc.option(sample.values);
  const value = array ? fc.array(one, { maxLength: 8 }) : sample.values;
  return shape.nulls === 'none' ? value : fc.option(value);
}

const roundTrip = (
  format: 'binary' | 'text',
  shapes: fc.Arbitrary<readonly Shape[]>,
  maxRows: number,
): fc.Arbitrary<RoundTrip> =>
  shapes.chain((all) =>
    fc.record({
      format: fc.constant(format),
      shapes: fc.constant(all),
      rows: fc.array(fc.tuple(...all.map(cells)), { minLength: 1, maxLength: maxRows }),
      chunkBytes,
    }),
  );

async function arrivesAsPostgresWritesIt(trip: RoundTrip): Promise<void> {
  expect(await copiedTexts(session, trip)).toEqual(await expectedTexts(session, trip));
}

const FORMATS = [
  ['binary', [...SAMPLES, ...TIME_SAMPLES]],
  ['text', SAMPLES],
] as const;

describe.each(FORMATS)('in COPY %s', (format, samples) => {
  test.each(samples.map((sample) => [sample.encoding, sample.type, sample] as const))(
    'every %s arrives in %s as PostgreSQL itself writes it',
    async (_kind, _type, sample) => {
      const shapes = shapeOf([sample]).map((shape) => [shape]);
      const property = fc.asyncProperty(roundTrip(format, shapes, 60), arrivesAsPostgresWritesIt);
      await fc.assert(property, { numRuns: 25 });
    },
  );

  test('rows of any columns arrive whole, wherever a chunk ends', async () => {
    const shapes = fc.array(shapeOf(samples), { minLength: 1, maxLength: 40 });
    const property = fc.asyncProperty(roundTrip(format, shapes, 8), arrivesAsPostgresWritesIt);
    await fc.assert(property, { numRuns: 120 });
  });
});
