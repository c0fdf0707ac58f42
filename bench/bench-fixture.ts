import { type Google, startGoogle } from '../test/gcp/google.ts';
import type { TestDatabase } from '../test/server/database.ts';
import { startPostgres, type TestServer } from '../test/server/server.ts';
import { builtProgram } from '../test/tools/built-program.ts';
import type { Shape } from './shapes.ts';

/** What everything is measured on: one server, one stand-in, the compiled program. */
export interface BenchFixture extends AsyncDisposable {
  readonly google: Google;
  readonly server: TestServer;
  readonly database: TestDatabase;
  readonly program: string;
  /** A directory that the server can write to and all can read. */
  readonly files: string;
}

export const BUCKET = 'bench-bucket';
export const DATASET = 'bench';

/** Settings that a server for bulk loads would have; the same for all that is measured. */
const SETTINGS = { shared_buffers: '512MB', max_wal_size: '16GB', checkpoint_timeout: '30min' };

export async function openBench(): Promise<BenchFixture> {
  const [google, server, program] = await Promise.all([
    startGoogle({ exportShards: 4 }),
    startPostgres({ settings: SETTINGS }),
    builtProgram(),
  ]);
  await google.createDataset(DATASET);
  google.createBucket(BUCKET);
  const database = await server.createDatabase();
  const [row] = await database.sql`SHOW data_directory`;
  return {
    google,
    server,
    database,
    program,
    files: String(row?.['data_directory']),
    async [Symbol.asyncDispose]() {
      await google[Symbol.asyncDispose]();
      await database.drop();
      await server.stop();
    },
  };
}

/** Makes the source table `name`, and fills it with the rows [from, to). */
export async function fillSource(
  { google }: BenchFixture,
  name: string,
  shape: Shape,
  from: number,
  to: number,
): Promise<void> {
  if (from === 0) await google.createTable(DATASET, name, shape.fields);
  const table = google.tableName(DATASET, name);
  const values = shape.values.join(', ');
  await google.duckdb(`INSERT INTO ${table} SELECT ${values} FROM range(${from}, ${to}) AS r(i)`);
}
