import fc from 'fast-check';
import { openWorld } from '../scenarios/fixture.ts';
import { sharedPostgres } from '../server/shared.ts';
import { startLosingServer } from './losing-server.ts';
import type { Figures, Stage } from './player.ts';
import { play } from './user-sequences.ts';
import { userSequence } from './user-steps.ts';

/** How many sequences there are: on a server that keeps what it confirms, and on one that may lose it. */
export interface Counts {
  readonly keeping: number;
  readonly losing: number;
}

/**
 * Plays random sequences, by two workers at once, and prints the figures: the same ones each time, others
 * by another SEED. A failure tells by which variables the sequence is played again: SEED, REPLAY (its
 * path in fast-check's words) and SERVER; with SHRINK=1 the smallest one that fails is looked for, which
 * takes minutes.
 */
export async function playMany({ keeping, losing }: Counts): Promise<void> {
  const seed = Number(process.env['SEED'] ?? 1);
  const started = performance.now();
  const figures: Figures = { sequences: 0, steps: 0, runs: new Map() };
  if (process.env['REPLAY'] !== undefined) {
    await (process.env['SERVER'] === 'losing' ? playOnLosing : playOnKeeping)(1, seed, figures);
    return;
  }
  const half = Math.ceil(keeping / 2);
  await Promise.all([
    playOnKeeping(half, seed, figures),
    playOnKeeping(keeping - half, seed + 1, figures).then(() =>
      playOnLosing(losing, seed + 2, figures),
    ),
  ]);
  const seconds = Math.round((performance.now() - started) / 1000);
  const runs = Object.fromEntries([...figures.runs].sort());
  console.log({ seed, ...figures, seconds, runs });
}

async function playOnKeeping(count: number, seed: number, figures: Figures): Promise<void> {
  await using world = await openWorld();
  await playOn({ world, server: await sharedPostgres() }, count, seed, figures);
}

async function playOnLosing(count: number, seed: number, figures: Figures): Promise<void> {
  await using losing = await startLosingServer();
  await using world = await openWorld();
  await playOn({ world, server: losing.server, losing }, count, seed, figures);
}

async function playOn(stage: Stage, numRuns: number, seed: number, figures: Figures) {
  const isLosing = stage.losing !== undefined;
  const { REPLAY: path, SHRINK: shrink } = process.env;
  const property = fc.asyncProperty(userSequence(isLosing), (sequence) =>
    play(stage, sequence, figures),
  );
  const parameters = { seed, numRuns, endOnFailure: shrink !== '1', ...(path && { path }) };
  const { failed, counterexamplePath, counterexample, errorInstance } = await fc.check(
    property,
    parameters,
  );
  if (!failed) return;
  console.log(JSON.stringify(counterexample));
  const replay = `SEED=${seed} REPLAY=${counterexamplePath} SERVER=${isLosing ? 'losing' : 'keeping'}`;
  throw new Error(`to play it again: ${replay}`, { cause: errorInstance });
}
