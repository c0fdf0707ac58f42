import { expect, test } from 'bun:test';
import { type CRASH_TARGETS, crashEverywhere } from './crash.ts';

for (const target of [
  'a table',
  'a partitioned table',
] as const satisfies (keyof typeof CRASH_TARGETS)[]) {
  test(`after a kill at any point of a full load, ${target} is the old or the new one, whole, and the next run succeeds`, async () => {
    const killed = await crashEverywhere(target, 1);
    console.log(killed.join('\n'));
    expect(killed.at(-1)).toContain('the end');
    expect(killed).toContain('stopped before: COMMIT');
  }, 900_000);
}
