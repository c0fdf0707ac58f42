import { expect, test } from 'bun:test';
import { crashEverywhere } from './crash.ts';

for (const [target, stride] of [
  ['a table', 7],
  ['a partitioned table', 11],
] as const) {
  test(`after a kill at some point of a full load, ${target} is the old or the new one, whole, and the next run succeeds`, async () => {
    const killed = await crashEverywhere(target, stride);
    expect(killed.length).toBeGreaterThan(4);
  }, 60_000);
}
