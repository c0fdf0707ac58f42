import { expect, test } from 'bun:test';
import type { Dependents } from '../../../src/swap/dependencies/dependents.ts';
import { differences } from '../../../src/swap/dependencies/differences.ts';
import { createFixture, STAGING, TARGET } from '../objects-fixture.ts';
import { dependentsOf } from '../read-dependents.ts';
import { fullLoad } from '../swap-fixture.ts';

/** Columns that count how often they are turned into text. */
function countingColumns(names: readonly string[], counts: Map<string, number>) {
  return names.map((name) => ({
    name,
    table: TARGET,
    toJSON() {
      counts.set(name, (counts.get(name) ?? 0) + 1);
      return { name };
    },
  }));
}

test('the comparison of two readings grows with the columns, not with their square', () => {
  const counts = new Map<string, number>();
  const names = Array.from({ length: 1000 }, (_, n) => `c${n}`);
  const before = { columns: countingColumns(names, counts) } as unknown as Dependents;
  const after = {
    columns: countingColumns([...names.slice(1), 'late'], counts),
  } as unknown as Dependents;
  expect(differences(before, after)).toEqual(['columns c0', 'columns late']);
  expect(Math.max(...counts.values())).toBe(2);
});

test('the same columns in another order are a difference', () => {
  const columns = (...names: string[]) =>
    ({ columns: names.map((name) => ({ name })) }) as unknown as Dependents;
  expect(differences(columns('a', 'b'), columns('a', 'b'))).toEqual([]);
  expect(differences(columns('a', 'b'), columns('b', 'a'))).toEqual(['the order of columns']);
});

test('a target of 1,000 columns is swapped', async () => {
  const names = Array.from({ length: 1000 }, (_, n) => `c${n}`);
  await using fixture = await createFixture(
    `CREATE TABLE s.t (${names.map((name) => `${name} integer`).join(', ')})`,
  );
  const before = await dependentsOf(fixture.loader, TARGET);
  const swapped = await fullLoad(fixture.loader, {
    target: TARGET,
    staging: STAGING,
    rows: 'DEFAULT VALUES',
  });
  console.log(`1,000 columns: lock held ${swapped.lockHeldMs.toFixed(0)} ms`);
  expect((await dependentsOf(fixture.loader, TARGET))?.fingerprint).toBe(before?.fingerprint ?? '');
});
