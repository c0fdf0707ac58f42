import { expect, test } from 'bun:test';
import { fuzz } from './fuzz.ts';

/** FUZZ_SEED and FUZZ_FIRST replay what a failure names. */
const { FUZZ_SEED = String(Date.now() % 1_000_000), FUZZ_FIRST = '0' } = process.env;

test('5,000 spoilt files are read right or refused clearly', async () => {
  console.log(`FUZZ_SEED=${FUZZ_SEED}`);
  const outcomes = await fuzz(Number(FUZZ_SEED), Number(FUZZ_FIRST), 5000);
  const refused = Object.keys(outcomes);
  expect(refused).toEqual(expect.arrayContaining(['BAD_AVRO', 'CORRUPT_OBJECT', 'malformed rows']));
}, 60_000);
