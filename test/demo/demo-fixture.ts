import postgres from 'postgres';
import { runAsSuperuser } from '../server/database.ts';
import { startPostgres } from '../server/server.ts';
import type { Interruption } from './interruption.ts';
import { remark } from './print.ts';
import { buildProgram, type Places } from './projector.ts';
import { type StandIn, startStandIn } from './stand-in-process.ts';

/** All that the demo runs on. Disposing of it stops every process and removes every file. */
export interface DemoFixture extends AsyncDisposable {
  readonly sql: postgres.Sql;
  readonly google: StandIn;
  readonly places: Places;
  /** Where the server may write files. */
  readonly directory: string;
}

/** Sets up Postgres and the stand-in for Google, fills it, and builds the program. */
export async function setUp({ signal, orEnd }: Interruption): Promise<DemoFixture> {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startPostgres());
  await runAsSuperuser(server, 'CREATE DATABASE demo');
  const uri = server.uri.replace(/[^/]*$/, 'demo');
  const sql = postgres(uri, { max: 1, onnotice: () => undefined });
  stack.defer(() => sql.end({ timeout: 0 }));
  const [{ server_version: version }] = await sql<
    [{ server_version: string }]
  >`SHOW server_version`;
  remark(`PostgreSQL ${version} runs: ${uri}`);

  const google = stack.use(startStandIn());
  const env = await orEnd(google.ask('env'));
  remark(`The stand-in for BigQuery and Cloud Storage runs: ${env['BIGQUERY_EMULATOR_HOST']}`);
  const { flights, earthquakes } = await orEnd(google.ask('fill'));
  remark(
    `It holds ${count(flights)} flights and ${count(earthquakes)} earthquakes (vega-datasets).`,
  );

  await orEnd(buildProgram());
  remark('The program is built: dist/bq_to_postgres');
  const whole = stack.move();
  return {
    sql,
    google,
    places: { env, uri, signal },
    directory: server.socketDirectory,
    [Symbol.asyncDispose]: () => whole.disposeAsync(),
  };
}

function count(rows: number): string {
  return rows.toLocaleString('en-US');
}
