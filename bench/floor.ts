import type { BenchFixture } from './bench-fixture.ts';
import { type Figures, measureCommand, measureServer } from './measure.ts';

/** The rows of a loaded target as files that the server can read: whole, and in two halves. */
export interface Files {
  readonly table: string;
  readonly binary: readonly [string, string, string];
  readonly csv: readonly [string, string, string];
  readonly gzip: string;
}

/** Writes the rows of `table` by server-side COPY TO. */
export async function writeFiles(bench: BenchFixture, table: string): Promise<Files> {
  const { sql } = bench.database;
  const path = (part: string) => `${bench.files}/${table}.${part}`;
  const parts = ['true', 'ctid < middle.ctid', 'ctid >= middle.ctid'];
  const middle = `(SELECT format('(%s,1)', pg_relation_size('${table}') / 8192 / 2)::tid AS ctid) AS middle`;
  const write = async (format: string): Promise<[string, string, string]> => {
    const files: string[] = [];
    for (const [n, filter] of parts.entries()) {
      const file = path(`${n}.${format}`);
      const where = filter.replace('ctid ', 't.ctid ');
      await sql.unsafe(
        `COPY (SELECT t.* FROM ${table} t, ${middle} WHERE ${where}) TO '${file}' (FORMAT ${format})`,
      );
      files.push(file);
    }
    return files as [string, string, string];
  };
  const [binary, csv] = [await write('binary'), await write('csv')];
  const gzip = path('csv.gz');
  await Bun.write(gzip, await new Response(Bun.spawn(['gzip', '-1', '-c', csv[0]]).stdout).bytes());
  return { table, binary, csv, gzip };
}

/** An empty table like the target, as the staging table of a full load is. */
async function freshTable(bench: BenchFixture, like: string): Promise<string> {
  await bench.database.sql.unsafe(`DROP TABLE IF EXISTS floor; CREATE TABLE floor (LIKE ${like})`);
  return 'floor';
}

/** Server-side COPY from local files, by one or two connections. */
export async function runFloor(
  bench: BenchFixture,
  files: Files,
  format: 'binary' | 'csv',
  connections: 1 | 2,
): Promise<Figures> {
  const table = await freshTable(bench, files.table);
  const [whole, first, second] = files[format];
  const used = connections === 1 ? [whole] : [first, second];
  const { sql } = bench.database;
  return measureServer(
    () =>
      Promise.all(
        used.map((file) => sql.unsafe(`COPY ${table} FROM '${file}' (FORMAT ${format})`)),
      ),
    bench.server.pid,
  );
}

/** psql's \copy of the CSV file, or of its gzipped form through a pipe. */
export async function runPsql(
  bench: BenchFixture,
  files: Files,
  zipped: boolean,
): Promise<Figures> {
  const table = await freshTable(bench, files.table);
  const { uri } = bench.database;
  const script = zipped
    ? `zcat '${files.gzip}' | psql -q '${uri}' -c "\\copy ${table} FROM STDIN (FORMAT csv)"`
    : `psql -q '${uri}' -c "\\copy ${table} FROM '${files.csv[0]}' (FORMAT csv)"`;
  return measureCommand(['sh', '-c', script], bench.server.pid);
}
