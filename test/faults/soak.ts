import { expect } from 'bun:test';
import type { Running } from '../scenarios/fixture.ts';
import { type Succession, startSuccession } from '../server/succession.ts';
import { type Dice, diceOf } from './dice.ts';
import { disturb, isHarmless, KINDS, type Kind } from './disturb.ts';
import { openScene, type Scene } from './fault-fixture.ts';
import type { TcpProxy } from './proxy.ts';
import { holdLock, openWay, setFaults } from './stage.ts';

/** How the disturbed runs ended. */
export interface Soaked {
  readonly runs: number;
  readonly exits: ReadonlyMap<number, number>;
  /** How often each kind of fault was played, and how many runs went by a pooler. */
  readonly faults: ReadonlyMap<string, number>;
  /** Runs that resumed the export of one that died. */
  readonly resumed: number;
}

/** Where it all happens: a database that survives its server. */
interface Place {
  readonly scene: Scene;
  readonly succession: Succession;
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
  const nextKind = dice.deal(KINDS);
  let resumed = 0;
  await using succession = await startSuccession();
  await using scene = await openScene(500, async () => succession);
  for (let number = 1; number <= runs; number += 1) {
    const mode = await prepare(scene, dice);
    const kind = nextKind();
    count(faults, kind);
    try {
      await using _lock = await holdLock(scene, kind, dice);
      const { exitCode, hasPooler } = await disturbed({ scene, succession }, mode, kind, dice);
      count(exits, exitCode);
      if (hasPooler) count(faults, 'by a pooler');
      resumed += await recovered(scene);
    } catch (error) {
      throw new Error(`SEED=${seed}, run ${number} of RUNS=${runs}: ${mode}, ${kind}: ${error}`, {
        cause: error,
      });
    }
  }
  return { runs, exits, faults, resumed };
}

/** What a run that nothing happens to would be, with the statements that it sends, about. */
const STATEMENTS = { 'full load': 65, increment: 32 } as const;
type Mode = keyof typeof STATEMENTS;

/** New rows; in a third of all cases a full load of a table that begins anew, with a key or without. */
async function prepare(scene: Scene, dice: Dice): Promise<Mode> {
  const { google, database } = scene.world;
  const full = dice.between(0, 3) === 0;
  if (full) {
    const key = dice.pick(['', 'ALTER TABLE target ADD CONSTRAINT target_key PRIMARY KEY (id);']);
    await google.duckdb(`DELETE FROM ${google.tableName('source', 'rows')}`);
    await database.sql.unsafe(`DO $$ BEGIN IF to_regclass('sync_state') IS NOT NULL THEN
      UPDATE sync_state SET last_synced_at = NULL; END IF;
      IF to_regclass('target') IS NOT NULL THEN
      ALTER TABLE target DROP CONSTRAINT IF EXISTS target_key; ${key}
      CREATE INDEX IF NOT EXISTS target_id ON target (id); END IF; END $$`);
  }
  await scene.addRows(dice.between(1, 3000));
  return full ? 'full load' : 'increment';
}

/** A run that something happens to. */
async function disturbed({ scene, succession }: Place, mode: Mode, kind: Kind, dice: Dice) {
  const { proxy, world } = scene;
  await using way = await openWay(scene, succession, kind, dice);
  setFaults(scene, kind, dice);
  const run = scene.start({ 'pg-conn': way.uri });
  const arrived = Bun.sleep(dice.between(0, 1000)).then(() => scene.addRows(dice.between(1, 20)));
  await momentOf(run, proxy, dice.between(0, STATEMENTS[mode]));
  await Bun.sleep(dice.between(0, 50));
  await disturb(kind, { scene, run, succession, pooler: way.pooler }, dice);
  await arrived;
  const { exitCode, text } = await Promise.race([run.outcome, tooLong(run)]);
  expect(text).not.toContain('"code":"UNEXPECTED"');
  if (isHarmless(kind)) expect({ exitCode, text }).toEqual({ exitCode: 0, text });
  proxy.cutAfter(Infinity, 0);
  proxy.redirect(Number(new URL(world.database.uri).port));
  proxy.refuse(false);
  return { exitCode, hasPooler: way.pooler !== undefined };
}

/** A run that is stuck for so long, since somebody holds a lock, is disturbed there. */
const STUCK_MS = 2000;

/** Resolves when the run has sent so many statements to the server, or cannot. */
async function momentOf(run: Running, proxy: TcpProxy, statements: number): Promise<void> {
  let isOver = false;
  void run.outcome.then(() => {
    isOver = true;
  });
  const [before, sinceMs] = [proxy.statements.length, performance.now()];
  const isStuck = () => performance.now() - sinceMs > STUCK_MS;
  while (!isOver && !isStuck() && proxy.statements.length < before + statements) {
    await Bun.sleep(2);
  }
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
  expect(text).not.toContain('loaded by 0 streams');
  return text.includes('resuming its export') ? 1 : 0;
}

function count<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
