import { randomBytes } from 'node:crypto';
import type { GoogleAuth } from 'google-auth-library';
import type postgres from 'postgres';
import type { Arguments } from '../cli/arguments.ts';
import { hasCode } from '../errors.ts';
import { type BigQueryClient, openBigQuery } from '../google/bigquery.ts';
import { openCredentials } from '../google/credentials.ts';
import { type JobCost, NO_COST } from '../google/job-cost.ts';
import { jobLabels } from '../google/job-labels.ts';
import { type SourceName, sourceText } from '../google/source-name.ts';
import { createStorage, ObjectStore } from '../google/storage.ts';
import { connectPatiently } from '../postgres/first-connection.ts';
import { readFreeConnections } from '../postgres/free-connections.ts';
import { openPool, type Session } from '../postgres/pool.ts';
import { tableText } from '../postgres/quoting.ts';
import { retryOn } from '../postgres/server-errors.ts';
import { SessionOpener } from '../postgres/session-opener.ts';
import { rolledBack } from '../postgres/transactions.ts';
import type { Report } from '../report/report.ts';
import { retry } from '../retry.ts';
import { applicationName } from '../state/advisory-lock.ts';
import { requireOurs } from '../state/commit.ts';
import { connectionWarning, LockedSession } from './locked-session.ts';
import { type ResolvedTarget, resolveTarget } from './resolved-target.ts';

/** What a run is given beside its arguments. */
export interface RunEnvironment {
  readonly signal: AbortSignal;
  readonly report: Report;
}

/** What the steps of a run work with. */
export interface Context extends AsyncDisposable {
  readonly run: CurrentRun;
  readonly given: Arguments;
  /** As the flags name it. */
  readonly source: SourceName;
  /** The same with its project, also where the flags name none: what the ledger knows it by. */
  readonly sourceId: string;
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

/** The run that the ledger's rows of this execution are of; a resumed full load is followed by a second. */
export interface CurrentRun {
  id: string;
  /** Whether its row is in the ledger: from then on the row must stay its own. */
  registered: boolean;
  /** What the runs of this execution before it have cost. */
  costBefore: JobCost;
}

/** Connections that load or build indexes, beside the one that holds the lock. */
const MAX_CONNECTIONS = 11;

/** Connects to everything, and takes the target's lock. Whatever was opened is closed again on failure. */
export async function openContext(given: Arguments, environment: RunEnvironment): Promise<Context> {
  const { signal, report } = environment;
  const credentials = once(openCredentials);
  const run: CurrentRun = { id: newRunId(), registered: false, costBefore: NO_COST };
  report.identify({ runId: run.id });
  for (const warning of given.connection.warnings) report.warn(warning);
  const labels = jobLabels(run.id, given.pgTableText);
  const opening = openBigQuery({ credentials, signal, report, labels });
  opening.catch(() => undefined); // awaited below; PostgreSQL is connected to meanwhile
  await using stack = new AsyncDisposableStack();
  const opener = new SessionOpener(given.connection, {
    applicationName: applicationName(run.id),
    accessToken: async () => accessToken(await credentials()),
  });
  const first = await connectPatiently(opener, { signal, warn: report.warn });
  stack.defer(() => first.end({ timeout: 2 }));
  const open = () => openLocked({ first, opener, stack }, given, run, environment);
  const { sql, resolved, lockedSession } = await retry(open, {
    signal,
    isRetryable: (error) => retryOn(error) === 'new session',
    onWait: (error) => report.warn(connectionWarning(error)),
  });
  stack.defer(() => lockedSession.close());
  const bigquery = await opening;
  const storage = once(async () => createStorage(await credentials()));
  const source = { ...given.dataset, table: given.bqTable, location: given.location };
  const opened = stack.move();
  return {
    run,
    given,
    source,
    sourceId: sourceText({ ...source, project: source.project ?? bigquery.projectId }),
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

interface FirstConnection {
  /** A pool of one. */
  readonly first: postgres.Sql;
  readonly opener: SessionOpener;
  /** Closes what is opened. */
  readonly stack: AsyncDisposableStack;
}

/** Resolves the target and takes its lock on the first connection, and opens the pool of the others. */
async function openLocked(
  { first, opener, stack }: FirstConnection,
  { pgTable }: Arguments,
  run: CurrentRun,
  { signal, report }: RunEnvironment,
): Promise<Pick<Context, 'sql' | 'resolved' | 'lockedSession'>> {
  const session = await first.reserve();
  try {
    const more = opener.isOnlyOne ? 0 : await countMoreConnections(session);
    const sql =
      more > 0 ? stack.adopt(openPool(opener, more), (pool) => pool.end({ timeout: 2 })) : first;
    if (sql === first) report.info('there is no second connection: all goes by the first one');
    const resolved = await resolveTarget(session, pgTable);
    report.identify({ target: tableText(resolved.target) });
    const request = {
      target: resolved.target,
      tables: resolved.stateIsCurrent ? resolved.tables : undefined,
      signal,
      cancel: (backend: number) => opener.cancel(backend),
      isOnlyConnection: sql === first,
      requireOurs: async (again: Session) => {
        if (run.registered) await requireOurs(again, resolved.tables, run.id).catch(forget(run));
      },
    };
    const lockedSession = await LockedSession.open(sql, session, request, report);
    return { sql, resolved, lockedSession };
  } catch (error) {
    if (await rolledBack(session)) session.release();
    throw error;
  }
}

/**
 * A run whose row is gone ends, and is nobody's to clean up but its own: for that the lock is taken again
 * without asking for the row.
 */
function forget(run: CurrentRun): (error: unknown) => never {
  return (error) => {
    if (hasCode(error, 'LEDGER_CHANGED')) run.registered = false;
    throw error;
  };
}

/** How many connections there may be beside the first one: none where that has used up a limit. */
async function countMoreConnections(session: Session): Promise<number> {
  const { ofServer, ofRole } = await readFreeConnections(session);
  return Math.min(MAX_CONNECTIONS, ofServer, ofRole);
}

/** What BigQuery has billed for the current run so far, all its jobs together. */
export function costOf({ bigquery, run }: Context): JobCost {
  const { bytesBilled, slotMs } = bigquery.cost;
  return {
    bytesBilled: bytesBilled - run.costBefore.bytesBilled,
    slotMs: slotMs - run.costBefore.slotMs,
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
