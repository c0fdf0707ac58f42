import { expect, test } from 'bun:test';
import { crashEverywhere } from './crash.ts';

test('after a kill at any point of a full load, the table is the old or the new one, whole, and the next run succeeds', async () => {
  const killed = await crashEverywhere(1);
  console.log(killed.join('\n'));
  expect(killed.at(-1)).toContain('the end');
  expect(killed).toContain('stopped before: COMMIT');
}, 600_000);
