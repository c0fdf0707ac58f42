import { type BenchFixture, BUCKET, DATASET } from './bench-fixture.ts';
import { type Figures, measureCommand } from './measure.ts';

/** One run of the compiled program. */
export interface ProjectorRun {
  readonly endToEnd: Figures;
  /** The load phase; its client CPU and memory are those of the whole run. */
  readonly load: Figures;
  readonly streams: number;
  readonly rows: number;
}

/** Runs the program on the source table `name`; `uri` where it should reach PostgreSQL another way. */
export async function runProjector(
  bench: BenchFixture,
  name: string,
  uri: string = bench.database.uri,
): Promise<ProjectorRun> {
  const flags = {
    'bq-dataset': DATASET,
    'bq-table': name,
    'bq-location': 'US',
    'pg-conn': uri,
    'pg-table': `target_${name}`,
    'gcs-bucket': BUCKET,
  };
  const argv = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
  const run = await measureCommand([bench.program, ...argv], bench.server.pid, bench.google.env);
  const { output, ...endToEnd } = run;
  const lines = output
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  const summary = lines.at(-1);
  const streams = lines.map((line) => /^loaded by (\d+)/.exec(line.message)?.[1]).find(Boolean);
  return {
    endToEnd,
    load: { ...endToEnd, wallSeconds: summary.seconds.load ?? 0 },
    streams: Number(streams ?? 1),
    rows: summary.rows,
  };
}

/** Makes the next run a full load into a table that does not exist. */
export async function forgetTarget(bench: BenchFixture, name: string): Promise<void> {
  await bench.database.sql.unsafe(`DROP TABLE IF EXISTS target_${name};
    DO $$ BEGIN IF to_regclass('sync_state') IS NOT NULL THEN
      DELETE FROM sync_state WHERE table_name = 'target_${name}'; END IF; END $$`);
}

/** The server's own signs of its size decide about streams; this makes it show `count` CPUs. */
export async function allowStreams(bench: BenchFixture, count: number | undefined): Promise<void> {
  const { name, sql } = bench.database;
  await sql.unsafe(
    count === undefined
      ? `ALTER DATABASE ${name} RESET max_parallel_workers`
      : `ALTER DATABASE ${name} SET max_parallel_workers = ${count}`,
  );
}
