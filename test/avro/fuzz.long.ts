import { expect, test } from 'bun:test';
import { fuzz } from './fuzz.ts';

const { FUZZ_SEED = String(Date.now() % 1_000_000) } = process.env;
const FILES = 100_000;

test('100,000 spoilt files are read right or refused clearly, in bounded memory', async () => {
  console.log(`FUZZ_SEED=${FUZZ_SEED}`);
  await fuzz(Number(FUZZ_SEED), 0, 2000);
  Bun.gc(true);
  const before = process.memoryUsage.rss();
  const outcomes = await fuzz(Number(FUZZ_SEED), 2000, FILES);
  Bun.gc(true);
  console.log(outcomes);
  expect(Object.values(outcomes).reduce((sum, count) => sum + count, 0)).toBe(FILES);
  expect(process.memoryUsage.rss() - before).toBeLessThan(256 * 1024 * 1024);
});
