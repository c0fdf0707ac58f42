import { randomBytes } from 'node:crypto';
import type { GoogleAuth } from 'google-auth-library';
import type postgres from 'postgres';
import type { Arguments } from './arguments.ts';
import type { RunWorld } from './cli.ts';
import { openWarehouse, type Warehouse } from './clients/bigquery.ts';
import { openCredentials } from './clients/credentials.ts';
import { connectPostgres } from './clients/postgres.ts';
import { createStorage, type ObjectStore, openStorage } from './clients/storage.ts';
import { type Control, openControl, type Session } from './control.ts';
import { type Ground, readGround } from './ground.ts';
import type { Report } from './report/report.ts';
import type { SourceName } from './source.ts';
import { requireOurs } from './state/ledger.ts';
import { applicationName } from './state/lock.ts';

/** What the steps of a run work with. */
export interface Context extends AsyncDisposable {
  readonly runId: string;
  readonly given: Arguments;
  readonly source: SourceName;
  readonly ground: Ground;
  readonly sql: postgres.Sql;
  readonly control: Control;
  readonly warehouse: Warehouse;
  /**
   * The objects of `--gcs-bucket`, or of another bucket. Cloud Storage is opened when it is first
   * needed: most runs find nothing new.
   */
  readonly store: (bucket?: string) => Promise<ObjectStore>;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** Connections of the pool: the lock's, and those that load or build indexes. */
const MAX_CONNECTIONS = 12;

/** Connects to everything, and takes the target's lock. Whatever was opened is closed again on failure. */
export async function openContext(given: Arguments, world: RunWorld): Promise<Context> {
  const { signal, report } = world;
  const credentials = once(openCredentials);
  const opening = openWarehouse(credentials, signal, report);
  opening.catch(() => undefined); // awaited below; PostgreSQL is connected to meanwhile
  const runId = newRunId();
  await using stack = new AsyncDisposableStack();
  const sql = await connectPostgres(given.connection, {
    maxConnections: MAX_CONNECTIONS,
    applicationName: applicationName(runId),
    accessToken: async () => accessToken(await credentials()),
  });
  stack.defer(() => sql.end({ timeout: 2 }));
  const session = await sql.reserve();
  const ground = await readGround(session, given.pgTable).catch((error) => {
    session.release();
    throw error;
  });
  const wish = {
    target: ground.target,
    tables: ground.tablesIfThere,
    signal,
    requireOurs: (again: Session) => requireOurs(again, ground.tables, runId),
  };
  const control = await openControl(sql, session, wish, report);
  stack.defer(() => control.close());
  const warehouse = await opening;
  const storage = once(async () => createStorage(await credentials()));
  const opened = stack.move();
  return {
    runId,
    given,
    source: { ...given.dataset, table: given.bqTable, location: given.location },
    ground,
    sql,
    control,
    warehouse,
    store: async (bucket = given.bucket) =>
      openStorage(await storage(), bucket, { warn: report.warn }),
    report,
    signal,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Makes it when it is first asked for, and again where that failed. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}

async function accessToken(auth: GoogleAuth): Promise<string> {
  const token = await auth.getAccessToken();
  if (!token) throw new Error('the credentials gave no access token');
  return token;
}

/** Sorts by time for people who read the ledger; the random part is what makes it unique. */
function newRunId(): string {
  const time = new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
  return `${time}-${randomBytes(4).toString('hex')}`;
}
