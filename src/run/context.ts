import { randomBytes } from 'node:crypto';
import type { GoogleAuth } from 'google-auth-library';
import type postgres from 'postgres';
import type { Arguments } from '../cli/arguments.ts';
import { type BigQueryClient, openBigQuery } from '../google/bigquery.ts';
import { openCredentials } from '../google/credentials.ts';
import { jobLabels } from '../google/job-labels.ts';
import type { SourceName } from '../google/source-name.ts';
import { createStorage, ObjectStore } from '../google/storage.ts';
import { connectPostgres } from '../postgres/pool.ts';
import type { Report } from '../report/report.ts';
import { applicationName } from '../state/advisory-lock.ts';
import { requireOurs } from '../state/ledger.ts';
import { type LockedSession, openLockedSession, type Session } from './locked-session.ts';
import { type ResolvedTarget, resolveTarget } from './resolved-target.ts';

/** What a run is given beside its arguments. */
export interface RunEnvironment {
  readonly signal: AbortSignal;
  readonly report: Report;
}

/** What the steps of a run work with. */
export interface Context extends AsyncDisposable {
  readonly runId: string;
  readonly given: Arguments;
  readonly source: SourceName;
  readonly resolved: ResolvedTarget;
  readonly sql: postgres.Sql;
  readonly lockedSession: LockedSession;
  readonly bigquery: BigQueryClient;
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
export async function openContext(given: Arguments, world: RunEnvironment): Promise<Context> {
  const { signal, report } = world;
  const credentials = once(openCredentials);
  const runId = newRunId();
  const labels = jobLabels(runId, given.pgTableText);
  const opening = openBigQuery({ credentials, signal, report, labels });
  opening.catch(() => undefined); // awaited below; PostgreSQL is connected to meanwhile
  await using stack = new AsyncDisposableStack();
  const sql = await connectPostgres(given.connection, {
    maxConnections: MAX_CONNECTIONS,
    applicationName: applicationName(runId),
    accessToken: async () => accessToken(await credentials()),
  });
  stack.defer(() => sql.end({ timeout: 2 }));
  const session = await sql.reserve();
  const resolved = await resolveTarget(session, given.pgTable).catch((error) => {
    session.release();
    throw error;
  });
  const request = {
    target: resolved.target,
    tables: resolved.existingTables,
    signal,
    requireOurs: (again: Session) => requireOurs(again, resolved.tables, runId),
  };
  const lockedSession = await openLockedSession(sql, session, request, report);
  stack.defer(() => lockedSession.close());
  const bigquery = await opening;
  const storage = once(async () => createStorage(await credentials()));
  const opened = stack.move();
  return {
    runId,
    given,
    source: { ...given.dataset, table: given.bqTable, location: given.location },
    resolved,
    sql,
    lockedSession,
    bigquery,
    store: async (bucket = given.bucket) =>
      new ObjectStore(await storage(), bucket, { warn: report.warn }),
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
