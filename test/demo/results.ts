import type postgres from 'postgres';
import { FLIGHT_SUMS } from './flights.ts';
import { outputColumns, print, remark } from './print.ts';
import type { Ran } from './projector.ts';
import { describeTable, readTable, showQuery } from './show-results.ts';
import type { Speeds } from './speed.ts';
import type { StandIn } from './stand-in-process.ts';
import { tableText } from './table-text.ts';

/** Shows what is in Postgres now. */
export async function showTarget(sql: postgres.Sql): Promise<void> {
  await describeTable(sql, 'flights');
  await showQuery(
    sql,
    'SELECT date, origin, delay, max_ingested_at FROM flights\n  ORDER BY max_ingested_at DESC LIMIT 3',
  );
  await describeTable(sql, 'earthquakes');
  await showQuery(
    sql,
    "SELECT properties->>'mag' AS mag, properties->>'place' AS place,\n  geometry->'coordinates'->0 AS longitude, sources FROM earthquakes\n  ORDER BY (properties->>'mag')::float8 DESC NULLS LAST LIMIT 3",
  );
  await showQuery(sql, 'SELECT * FROM sync_state ORDER BY table_name');
  await showQuery(
    sql,
    'SELECT table_name, mode, status, rows, bytes,\n  round(extract(epoch FROM finished_at - started_at), 1) AS seconds\n  FROM sync_runs ORDER BY started_at',
  );
}

/** Compares sums over all rows; an error where the two sides differ. */
export async function compareSums(sql: postgres.Sql, google: StandIn): Promise<void> {
  const { columns, rows } = await readTable(sql, `SELECT ${FLIGHT_SUMS} FROM flights`);
  const target = rows[0] ?? [];
  const source = await google.ask('sums');
  const shown = {
    columns: [
      { name: 'in', numeric: false },
      ...columns.map(({ name }) => ({ name, numeric: true })),
    ],
    rows: [
      ['BigQuery', ...source],
      ['Postgres', ...target],
    ],
  };
  print(`\n${tableText(shown, outputColumns())}`);
  if (source.join() !== target.join()) throw new Error('the sums of the two tables differ');
}

/** Prints how fast rows were loaded, beside the server's own COPY of the same rows. */
export function showSpeeds({ rows, loadSeconds, copySeconds }: Speeds): void {
  const [load, copy] = [Math.min(...loadSeconds), Math.min(...copySeconds)];
  const line = (name: string, all: readonly number[], best: number) => [
    name,
    ...all.map((seconds) => seconds.toFixed(2)),
    Math.round(rows / best).toLocaleString('en-US'),
  ];
  const headings = [
    '',
    ...loadSeconds.map((_, turn) => `turn ${turn + 1}, s`),
    'rows/s, better turn',
  ];
  const columns = headings.map((name, at) => ({ name, numeric: at > 0 }));
  const table = [
    line('load phase of bq_to_postgres', loadSeconds, load),
    line('COPY flights FROM a binary file', copySeconds, copy),
  ];
  print(tableText({ columns, rows: table }, outputColumns()));
  print(`Ratio of the two speeds: ${(copy / load).toFixed(2)}`);
}

/** The memory that the program may have. */
const MEMORY_LIMIT_BYTES = 200e6;

/** Prints the most memory that any of the runs had; an error where it is too much. */
export function showMemory(runs: readonly Ran[]): void {
  const peak = Math.max(...runs.map(({ peakBytes }) => peakBytes));
  print(`Peak memory of the program, of ${runs.length} runs: ${Math.round(peak / 1e6)} MB`);
  remark(
    `(resident, with the pages of the executable; below ${MEMORY_LIMIT_BYTES / 1e6} MB is asked for)`,
  );
  if (peak >= MEMORY_LIMIT_BYTES) throw new Error('the program had more memory than it may have');
}
