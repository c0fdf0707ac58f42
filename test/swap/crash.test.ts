import { expect, test } from 'bun:test';
import { crashEverywhere } from './crash.ts';

test('after a kill at some point of a full load, the table is the old or the new one, whole, and the next run succeeds', async () => {
  const killed = await crashEverywhere(7);
  expect(killed.length).toBeGreaterThan(4);
}, 60_000);
