import { startProxy } from '../faults/proxy.ts';
import type { Flags, Outcome, Running, World } from '../scenarios/fixture.ts';
import type { TestDatabase } from '../server/database.ts';
import type { TestServer } from '../server/server.ts';
import { disturb } from './disturb.ts';
import { codeOf, endOf, judge } from './judge.ts';
import { leftBehind, type Place } from './left-behind.ts';
import type { LosingServer } from './losing-server.ts';
import { afterRun, type Change, changed, type SourceName, type State } from './model.ts';
import { beginning, observe } from './observe.ts';
import { REMEDIES } from './remedies.ts';
import { runInCopy } from './run-in-copy.ts';
import { untilNobodyIsConnected } from './truth-fixture.ts';
import { act } from './user-actions.ts';
import type { UserSource } from './user-source.ts';
import { type Action, type Disturbance, SPELLINGS, type Step } from './user-steps.ts';

/** Where sequences are played, one after the other. */
export interface Stage {
  readonly world: World;
  readonly server: TestServer;
  readonly losing?: LosingServer;
}

/** What was played. */
export interface Figures {
  sequences: number;
  steps: number;
  /** How many runs there were, by how they ended. */
  readonly runs: Map<string, number>;
}

/** Plays the steps of one sequence in a database of its own, and keeps account of what may be. */
export class Player {
  readonly #stage: Stage;
  readonly #figures: Figures;
  readonly #database: TestDatabase;
  readonly #sources: Readonly<Record<SourceName, UserSource>>;
  readonly #bucket: string;
  /** The states that the world may be in. */
  #states: readonly State[];
  /** Those that it was in when the standby was kept. */
  #kept: readonly State[] | undefined;
  /** What is left of runs that nobody can know of any more. */
  readonly #forgotten = new Set<string>();
  /** What runs that were stopped had left when the latest began. */
  #leftBefore: readonly string[] = [];

  constructor(
    stage: Stage,
    figures: Figures,
    database: TestDatabase,
    sources: Readonly<Record<SourceName, UserSource>>,
    bucket: string,
  ) {
    this.#stage = stage;
    this.#figures = figures;
    this.#database = database;
    this.#sources = sources;
    this.#bucket = bucket;
    this.#states = [beginning(sources.own.shown, sources.other.shown)];
  }

  async makeKeyed(): Promise<void> {
    await this.#act('drop and create the target', 0);
    await this.#act('add a key', 0);
  }

  async take(step: Step): Promise<void> {
    switch (step.do) {
      case 'run':
        await this.#runAndHeed(step.other ? 'other' : 'own', step.spelling, step.disturbance);
        break;
      case 'run in a copy':
        this.#count('in a copy', await this.#runInCopy());
        break;
      case 'keep a standby':
        await this.#stage.losing?.keep();
        this.#kept = this.#states;
        break;
      case 'fail over':
        this.#leftBefore = await leftBehind(this.#place);
        this.#become(await this.#failOver());
        break;
      default:
        await this.#act(step.do, step.which);
    }
  }

  /** Runs and does what the errors say until all is well; then once more, for all rows. */
  async putRight(): Promise<void> {
    await this.#runUntilWell();
    await this.#act('set the watermark to NULL', 0);
    await this.#act('delete the watermark', 0);
    await this.#runUntilWell();
    await this.#expectNothingLeft();
  }

  async #runUntilWell(): Promise<void> {
    for (let tries = 1; tries <= 6; tries += 1) {
      if ((await this.#runAndHeed('own', 1, undefined)) === 0) return;
    }
    throw new Error('six runs did not put it right');
  }

  /** Runs, and then does what the error says. */
  async #runAndHeed(
    from: SourceName,
    spelling: number,
    disturbance: Disturbance | undefined,
  ): Promise<number> {
    const outcome = await this.#run(from, spelling, disturbance);
    const { exitCode } = outcome;
    if (exitCode === 0 || from === 'other') return exitCode;
    for (const action of REMEDIES[codeOf(outcome)] ?? []) await this.#act(action, 0);
    return exitCode;
  }

  async #act(action: Action, which: number): Promise<void> {
    const { change, robs } = await act(this.#user, action, which);
    this.#leftBefore = await leftBehind(this.#place);
    if (robs) this.#forget();
    this.#become(change);
  }

  get #user() {
    return { sql: this.#database.sql, own: this.#sources.own };
  }

  #become(change: Change): void {
    this.#states = this.#states.flatMap((state) => changed(state, change));
  }

  get #place(): Place {
    const { google } = this.#stage.world;
    return { google, sql: this.#database.sql, bucket: this.#bucket };
  }

  /** A run that is robbed of its row cleans up all the same; of those before it nobody knows. */
  #forget(): void {
    for (const name of this.#leftBefore) this.#forgotten.add(name);
  }

  async #run(
    from: SourceName,
    spelling: number,
    disturbance: Disturbance | undefined,
  ): Promise<Outcome> {
    const { world, server } = this.#stage;
    const { google } = world;
    await using proxy = await startProxy(server.port);
    const flags = this.#flags(from, spelling);
    this.#leftBefore = await leftBehind(this.#place);
    let running: Running | undefined;
    const around = {
      ...this.#user,
      google,
      proxy,
      running: () => running as Running,
      runBeside: () => this.#runBeside(from, flags),
      failOver: () => this.#failOver(),
    };
    const disturbing = disturbance && disturb(around, disturbance);
    running = world.start({ ...flags, 'pg-conn': proxy.through(flags['pg-conn']) });
    const outcome = await running.outcome;
    google.heal();
    const disturbed = await disturbing?.();
    proxy.cut();
    await untilNobodyIsConnected(this.#database);
    if (disturbed?.robs) this.#forget();
    this.#count(disturbed === undefined ? 'alone' : 'disturbed', outcome);
    const seen = await observe(this.#database.sql);
    this.#states = judge(this.#states, { outcome, from, disturbed }, seen);
    return outcome;
  }

  #flags(from: SourceName, spelling: number) {
    const { table, ...options } = SPELLINGS[spelling] ?? SPELLINGS[0];
    const path =
      'path' in options ? `?options=${encodeURIComponent(`-c search_path=${options.path}`)}` : '';
    return {
      'bq-table': this.#sources[from].name,
      'pg-table': table,
      'pg-conn': `${this.#database.uri}${path}`,
      'gcs-bucket': this.#bucket,
    };
  }

  async #runBeside(from: SourceName, flags: Flags): Promise<Change> {
    const outcome = await this.#stage.world.run(flags);
    this.#count('beside', outcome);
    return outcome.exitCode === 0
      ? [(state) => afterRun(state, from)]
      : [(state) => [state, { ...state, shown: state.low }]];
  }

  async #failOver(): Promise<Change> {
    const kept = this.#kept;
    const { losing } = this.#stage;
    if (kept === undefined || losing === undefined) return [];
    this.#kept = undefined;
    this.#forget();
    await losing.failOver();
    return [({ sources }) => kept.map((state) => ({ ...state, sources }))];
  }

  #count(how: string, outcome: Outcome): void {
    const { runs } = this.#figures;
    const end = `${how} ${endOf(outcome)}`;
    runs.set(end, (runs.get(end) ?? 0) + 1);
  }

  async #runInCopy(): Promise<Outcome> {
    const flags = this.#flags('own', 1);
    const database = this.#database;
    return await runInCopy({ ...this.#stage, database, flags, states: this.#states });
  }

  async #expectNothingLeft(): Promise<void> {
    const left = (await leftBehind(this.#place)).filter((name) => !this.#forgotten.has(name));
    if (left.length > 0) throw new Error(`left: ${left.join(', ')}`);
  }
}
