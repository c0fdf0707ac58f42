import type postgres from 'postgres';
import { FLIGHTS } from './flights.ts';
import { measureProgram, type Places, type Ran } from './projector.ts';

/** Two ways into a table of the same shape, without indexes, with the same rows. */
export interface Speeds {
  readonly rows: number;
  /** Seconds of the load phase of a full load, as `sync_runs` tells them; one of each turn. */
  readonly loadSeconds: readonly number[];
  /** Seconds of `COPY table FROM 'file' (FORMAT binary)`, by the clock; one of each turn. */
  readonly copySeconds: readonly number[];
  readonly runs: readonly Ran[];
}

const TURNS = 2;

/**
 * Measures both in turn, so that neither has the quieter machine. The watermark is set back before
 * each full load. `directory` is where the server may write the file that COPY reads.
 */
export async function measureSpeeds(
  sql: postgres.Sql,
  places: Places,
  directory: string,
): Promise<Speeds> {
  const file = `${directory}/${FLIGHTS.table}.copy`;
  const { count: rows } = await sql.unsafe(`COPY ${FLIGHTS.table} TO '${file}' (FORMAT binary)`);
  const loadSeconds: number[] = [];
  const copySeconds: number[] = [];
  const runs: Ran[] = [];
  for (let turn = 0; turn < TURNS; turn += 1) {
    await sql`UPDATE sync_state SET last_synced_at = NULL WHERE table_name = ${FLIGHTS.table}`;
    const ran = await measureProgram(FLIGHTS.table, places);
    runs.push(ran);
    loadSeconds.push(await lastLoadSeconds(sql));
    copySeconds.push(await copyFile(sql, file));
    places.signal.throwIfAborted();
  }
  return { rows, loadSeconds, copySeconds, runs };
}

async function lastLoadSeconds(sql: postgres.Sql): Promise<number> {
  const [run] = await sql<{ seconds: number }[]>`
    SELECT (timings->>'load')::float8 AS seconds FROM sync_runs ORDER BY started_at DESC LIMIT 1`;
  if (run === undefined) throw new Error('sync_runs does not say how long the load took');
  return run.seconds;
}

async function copyFile(sql: postgres.Sql, file: string): Promise<number> {
  await sql.unsafe(`CREATE TABLE copied (LIKE ${FLIGHTS.table})`);
  const began = performance.now();
  await sql.unsafe(`COPY copied FROM '${file}' (FORMAT binary)`);
  const seconds = (performance.now() - began) / 1000;
  await sql.unsafe('DROP TABLE copied');
  return seconds;
}
