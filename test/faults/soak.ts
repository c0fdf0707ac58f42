import { expect } from 'bun:test';
import type { Fault } from '../gcp/google.ts';
import type { Running } from '../scenarios/fixture.ts';
import { openScene, type Scene } from './fault-fixture.ts';

/** How the disturbed runs ended. */
export interface Soaked {
  readonly runs: number;
  readonly exits: ReadonlyMap<number, number>;
  /** How often each kind of fault was played. */
  readonly faults: ReadonlyMap<string, number>;
  /** Runs that resumed the export of one that died. */
  readonly resumed: number;
}

/**
 * Disturbs `runs` runs at random, each followed by one that is left alone, and compares source and
 * target after each of those. The source goes on changing all the while. A seed makes the same
 * choices again; the times at which they meet the program are as exact as a timer.
 */
export async function soak(seed: number, runs: number): Promise<Soaked> {
  const dice = diceOf(seed);
  const exits = new Map<number, number>();
  const faults = new Map<string, number>();
  let resumed = 0;
  await using scene = await openScene(500);
  for (let number = 1; number <= runs; number += 1) {
    const what = await prepare(scene, dice);
    const kind = dice.pick(KINDS);
    count(faults, kind);
    try {
      const exitCode = await disturbed(scene, kind, dice);
      count(exits, exitCode);
      resumed += await recovered(scene);
    } catch (error) {
      throw new Error(`SEED=${seed}, run ${number} of RUNS=${runs}: ${what}, ${kind}: ${error}`, {
        cause: error,
      });
    }
  }
  return { runs, exits, faults, resumed };
}

const KINDS = [
  'kill',
  'terminate',
  'interrupt',
  'hang up',
  'cut',
  'stall',
  'end backends',
  'cut by bytes',
  'http',
  'http and cut',
  'http and kill',
] as const;
const SIGNALS = { terminate: 'SIGTERM', interrupt: 'SIGINT', 'hang up': 'SIGHUP' } as const;
type Kind = (typeof KINDS)[number];

interface Dice {
  /** In [from, to). */
  between(from: number, to: number): number;
  pick<T>(choices: readonly T[]): T;
}

/** mulberry32 of Tommy Ettinger: small, and good enough to throw dice. */
function diceOf(seed: number): Dice {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const between = (from: number, to: number) => Math.floor(from + next() * (to - from));
  return { between, pick: (choices) => choices[between(0, choices.length)] as never };
}

/** New rows; in a third of all cases a full load of a table that begins anew. */
async function prepare(scene: Scene, dice: Dice): Promise<string> {
  const { google, database } = scene.world;
  const full = dice.between(0, 3) === 0;
  if (full) {
    await google.duckdb(`DELETE FROM ${google.tableName('source', 'rows')}`);
    await database.sql.unsafe(`DO $$ BEGIN IF to_regclass('sync_state') IS NOT NULL THEN
      UPDATE sync_state SET last_synced_at = NULL; END IF;
      IF to_regclass('target') IS NOT NULL THEN
      CREATE INDEX IF NOT EXISTS target_id ON target (id); END IF; END $$`);
  }
  await scene.addRows(dice.between(1, 3000));
  return full ? 'a full load' : 'an increment';
}

/** A run that something happens to; gives its exit code. */
async function disturbed(scene: Scene, kind: Kind, dice: Dice): Promise<number> {
  const { google } = scene.world;
  if (kind.startsWith('http')) {
    for (let left = dice.between(1, 5); left > 0; left -= 1) google.fail(httpFault(dice));
  }
  if (kind === 'cut by bytes') scene.proxy.cutAfter(dice.between(100, 60_000), dice.between(1, 4));
  const run = scene.start();
  const ended = run.outcome.then(() => true);
  const wait = (ms: number) => Promise.race([ended, Bun.sleep(ms)]);
  await wait(dice.between(20, 400));
  await scene.addRows(dice.between(1, 20));
  await disturb(scene, run, kind, () => wait(dice.between(10, 200)));
  const { exitCode, text } = await Promise.race([run.outcome, tooLong(run)]);
  expect(text).not.toContain('"code":"UNEXPECTED"');
  scene.proxy.cutAfter(Infinity, 0);
  return exitCode;
}

async function disturb(
  { proxy, world }: Scene,
  run: Running,
  kind: Kind,
  wait: () => Promise<unknown>,
): Promise<void> {
  if (kind.endsWith('kill')) run.kill('SIGKILL');
  else if (kind in SIGNALS) run.kill(SIGNALS[kind as keyof typeof SIGNALS]);
  else if (kind === 'end backends') {
    await world.database.sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE application_name LIKE 'bq_to_postgres%' AND datname = current_database()`;
  } else if (kind === 'stall') {
    proxy.stall(true);
    await wait();
    proxy.stall(false);
  } else if (kind.endsWith('cut')) {
    proxy.cut();
    await wait();
    proxy.cut('latest');
  }
}

function httpFault(dice: Dice): Fault {
  const service = dice.pick<'bigquery' | 'storage'>(['bigquery', 'storage']);
  const target = { service, nth: dice.between(1, 8) };
  const afterBytes = dice.between(0, 5000);
  return dice.pick<Fault>([
    { ...target, kind: 'error', status: dice.pick([500, 502, 503, 429]) },
    { ...target, kind: 'drop' },
    { ...target, kind: 'drop-answer' },
    { ...target, service: 'storage', path: /alt=media/, kind: 'cut', afterBytes },
    { ...target, kind: 'delay', ms: dice.between(50, 400) },
    { service: 'bigquery', body: /EXPORT DATA/, kind: 'job-error', reason: 'jobInternalError' },
  ]);
}

const TOO_LONG_MS = 90_000;

async function tooLong(run: Running): Promise<never> {
  await Bun.sleep(TOO_LONG_MS);
  run.kill('SIGKILL');
  throw new Error(`it hangs: ${(await run.outcome).text}`);
}

/** The next run puts all right, with the rows that arrived after an export that it resumed. */
async function recovered(scene: Scene): Promise<number> {
  const text = await scene.recover();
  return text.includes('resuming its export') ? 1 : 0;
}

function count<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
