import { expect, test } from 'bun:test';
import { soak } from './soak.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
const runs = Number(process.env['RUNS'] ?? 60);

test('whatever happens to a run, and whenever, the next one puts it right', async () => {
  console.log(`SEED=${seed} RUNS=${runs}`);
  const { exits, faults, resumed } = await soak(seed, runs);
  console.log({ exits, faults, resumed });
  expect([...exits.values()].reduce((sum, n) => sum + n, 0)).toBe(runs);
}, 3_600_000);
