import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Field, type Google, startGoogle, type TableOptions } from '../gcp/google.ts';
import type { TestDatabase } from '../server/database.ts';
import type { TestServer } from '../server/server.ts';
import { sharedPostgres } from '../server/shared.ts';
import { builtProgram } from '../tools/built-program.ts';

/** One line of the program's log. */
export interface LogLine {
  readonly severity: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

export interface Outcome {
  readonly exitCode: number;
  readonly lines: readonly LogLine[];
  /** Everything that was printed, on both outputs. */
  readonly text: string;
}

/** The flags that a test may set; the others are those of the world. */
export type Flags = Partial<
  Record<'bq-dataset' | 'bq-table' | 'bq-location' | 'pg-conn' | 'pg-table' | 'gcs-bucket', string>
>;

/** A stand-in for Google's services, a database of real Postgres, and the compiled program. */
export interface World extends AsyncDisposable {
  readonly google: Google;
  readonly database: TestDatabase;
  /** What runs left in the folder for temporary files, which is the program's alone. */
  temporaryFiles(): readonly string[];
  /** Runs the program to its end. */
  run(flags?: Flags, env?: Record<string, string>): Promise<Outcome>;
  /** Starts the program, for tests that do something to it. */
  start(flags?: Flags, env?: Record<string, string>): Running;
}

export interface Running {
  readonly pid: number;
  kill(signal: NodeJS.Signals): void;
  /** Resolves when a line of the log holds `text`; rejects when the program ends without it. */
  logged(text: string): Promise<void>;
  readonly outcome: Promise<Outcome>;
}

export const BUCKET = 'test-bucket';
export const DATASET = 'source';
export const TABLE = 'rows';

/** The schema that most scenarios use. */
export const SCHEMA: readonly Field[] = [
  { name: 'id', type: 'INTEGER', mode: 'REQUIRED' },
  { name: 'name', type: 'STRING' },
  { name: 'max_ingested_at', type: 'TIMESTAMP' },
];

/** Sets up a world with an empty source table. */
export async function openWorld(
  schema: readonly Field[] = SCHEMA,
  options: TableOptions = {},
  onServer: () => Promise<Pick<TestServer, 'createDatabase'>> = sharedPostgres,
): Promise<World> {
  const [program, server, google] = await Promise.all([builtProgram(), onServer(), startGoogle()]);
  const database = await server.createDatabase();
  await google.createDataset(DATASET);
  google.createBucket(BUCKET);
  await google.createTable(DATASET, TABLE, schema, options);
  const home = mkdtempSync(join(tmpdir(), 'bq-to-postgres-'));
  const temporary = join(home, 'tmp');
  mkdirSync(temporary);
  const defaults: Required<Flags> = {
    'bq-dataset': DATASET,
    'bq-table': TABLE,
    'bq-location': 'US',
    'pg-conn': database.uri,
    'pg-table': 'target',
    'gcs-bucket': BUCKET,
  };

  function start(flags: Flags = {}, env: Record<string, string> = {}): Running {
    const argv = Object.entries({ ...defaults, ...flags }).map(
      ([flag, value]) => `--${flag}=${value}`,
    );
    return watch(
      Bun.spawn([program, ...argv], {
        cwd: home,
        env: { ...google.env, TMPDIR: temporary, ...env },
        stdin: 'ignore',
        stdout: 'pipe',
        stderr: 'pipe',
      }),
    );
  }

  return {
    google,
    database,
    start,
    temporaryFiles: () => readdirSync(temporary),
    run: (flags, env) => start(flags, env).outcome,
    async [Symbol.asyncDispose]() {
      await google[Symbol.asyncDispose]();
      await database.drop();
      rmSync(home, { recursive: true });
    },
  };
}

/** A world with a target that was loaded once, and one row that waits for an increment. */
export async function openLoadedWorld(): Promise<World> {
  const world = await openWorld();
  const add = (row: string) => world.google.sql(`INSERT INTO source.rows VALUES (${row})`);
  await add("1, 'one', TIMESTAMP '2024-01-01 00:00:00+00'");
  const { exitCode, text } = await world.run();
  if (exitCode !== 0) throw new Error(text);
  await add("2, 'two', TIMESTAMP '2024-01-02 00:00:00+00'");
  return world;
}

type Program = Bun.Subprocess<'ignore', 'pipe', 'pipe'>;

function watch(program: Program): Running {
  let text = '';
  const waiting = new Set<() => void>();
  const collect = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      text += decoder.decode(chunk, { stream: true });
      for (const look of waiting) look();
    }
  };
  const collected = Promise.all([collect(program.stdout), collect(program.stderr)]);
  const outcome = Promise.all([program.exited, collected]).then(([exitCode]) => ({
    exitCode,
    text,
    lines: text.split('\n').filter(Boolean).map(readLine),
  }));
  return {
    pid: program.pid,
    kill: (signal) => program.kill(signal),
    outcome,
    logged: (wanted) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (text.includes(wanted)) resolve();
        };
        waiting.add(look);
        look();
        outcome.then(() => {
          look();
          reject(new Error(`the program ended without saying "${wanted}": ${text}`));
        }, reject);
      }),
  };
}

function readLine(line: string): LogLine {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return { severity: 'NONE', message: line };
  }
}
