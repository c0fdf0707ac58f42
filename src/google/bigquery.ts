import { setTimeout as sleep } from 'node:timers/promises';
import type { BigQuery, Job, TableMetadata } from '@google-cloud/bigquery';
import type { GoogleAuth } from 'google-auth-library';
import { ProjectorError } from '../errors.ts';
import type { Report } from '../report/report.ts';
import { RETRY_LIMITS, retry } from '../retry.ts';
import {
  explainJobFailure,
  explainNoProject,
  explainTableFailure,
  jobFailed,
} from './bigquery-advice.ts';
import {
  apiMessage,
  isRetryable,
  isRetryableReason,
  reasonOf,
  statusOf,
} from './bigquery-retryable.ts';
import { forgetToken } from './credentials.ts';
import type { SourceName } from './source-name.ts';
import type { Visibility } from './visibility.ts';
import { withDeadline } from './with-deadline.ts';

/** How long one long poll asks BigQuery to hold its answer, in milliseconds. */
const POLL_MS = 20_000;

/** What an export wrote, and what it was not shown. */
export interface ExportResult extends Visibility {
  readonly rows: number;
}

/** All that the program asks of BigQuery. Every call may be repeated: jobs have ids of our own. */
export interface BigQueryClient {
  /** tables.get. Throws TABLE_NOT_FOUND, ACCESS_DENIED. */
  table(source: SourceName): Promise<TableMetadata>;
  /** Runs a small query; the values of its first row as BigQuery's JSON has them, as text. */
  firstRow(sql: string, source: SourceName): Promise<readonly (string | null)[]>;
  /** Starts a query job under `jobId`; one that exists already under this id is taken as started. */
  start(jobId: string, sql: string, source: SourceName): Promise<void>;
  /**
   * Waits for an EXPORT DATA job to end. Throws what failed it: JOB_FAILED where BigQuery itself did,
   * and the same statement under another job id may succeed.
   */
  exportResult(jobId: string, source: SourceName): Promise<ExportResult>;
  /**
   * Sees to it that the job writes nothing more: stops it, and waits until it is done. One that
   * BigQuery does not know may have been asked for all the same, by a request that is still on its
   * way: its id is used up, so that nothing begins under it. Has a signal of its own, as jobs are
   * cancelled when the run's signal is aborted.
   */
  cancel(jobId: string, location: string, signal: AbortSignal): Promise<void>;
}

/**
 * Opens BigQuery with Application Default Credentials, whose project is the one that is billed;
 * BIGQUERY_EMULATOR_HOST is honoured by the client itself. `signal` ends every wait.
 */
export async function openBigQuery(
  credentials: () => Promise<GoogleAuth>,
  signal: AbortSignal,
  report: Pick<Report, 'warn'>,
): Promise<BigQueryClient> {
  const onUnauthorized = async () => forgetToken(await credentials());
  const onWait = (error: unknown) =>
    report.warn(`BigQuery did not answer: ${apiMessage(error)}; trying again`);
  const attempt: Attempt = (action, { until = signal, limitMs = RETRY_LIMITS.answerMs } = {}) =>
    retry(() => withDeadline(action(), until, limitMs || undefined), {
      signal: until,
      isRetryable,
      onUnauthorized,
      onWait,
    });
  const [{ BigQuery }, projectId] = await Promise.all([
    import('@google-cloud/bigquery'),
    // Asked for here, as the client does not fill it into every path by itself.
    attempt(async () => (await credentials()).getProjectId()).catch(explainNoProject),
  ]);
  // Retries are ours: the client's own give up within seconds and do not see our signal.
  const options = {
    authClient: await credentials(),
    projectId,
    retryOptions: { autoRetry: false },
  };
  const client = new BigQuery(options as object);
  return bigQueryClient(client, attempt, signal);
}

interface Limits {
  readonly until?: AbortSignal;
  /** For one try, in milliseconds; 0 where it polls by itself for as long as a job takes. */
  readonly limitMs?: number;
}

type Attempt = <T>(action: () => Promise<T>, limits?: Limits) => Promise<T>;

function bigQueryClient(client: BigQuery, attempt: Attempt, signal: AbortSignal): BigQueryClient {
  const job = (id: string, location: string): Job => client.job(id, { location });
  /** A job that exists already under this id is taken as started. */
  async function insert(jobId: string, query: string, location: string, until = signal) {
    const configuration = { query: { query, useLegacySql: false } };
    const create = () => client.createJob({ jobId, location, configuration });
    await attempt(create, { until }).catch((error) => {
      if (statusOf(error) !== 409) throw error;
    });
  }
  /** Takes the id for a job that does nothing; whoever may not start jobs has none on its way. */
  async function burnJobId(jobId: string, location: string, until: AbortSignal): Promise<void> {
    await insert(jobId, 'SELECT 1', location, until).catch((error) => {
      if (statusOf(error) !== 403) throw error;
    });
  }
  /** Gives false where BigQuery does not know the job. */
  async function stopped(running: Job, until: AbortSignal): Promise<boolean> {
    try {
      await attempt(() => running.cancel(), { until });
      while (!isDone(await attempt(() => running.getMetadata(), { until }))) {
        await sleep(CANCELLED_EVERY_MS, undefined, { signal: until });
      }
      return true;
    } catch (error) {
      if (statusOf(error) !== 404) throw error;
      return false;
    }
  }
  return {
    async table(source) {
      const dataset = client.dataset(source.dataset, projectOf(source));
      const metadata = attempt(() => dataset.table(source.table).getMetadata());
      return (await metadata.catch(explainTableFailure(source)))[0] as TableMetadata;
    },
    async firstRow(sql, source) {
      const query = { query: sql, location: source.location, maxResults: 1, skipParsing: true };
      const answer = attempt(() => client.query(query), { limitMs: 0 });
      const [rows] = await answer.catch(explainJobFailure(source, sql));
      const cells = (rows[0] as { f?: { v: string | null }[] } | undefined)?.f ?? [];
      return cells.map((cell) => cell.v);
    },
    async start(jobId, sql, source) {
      await insert(jobId, sql, source.location).catch(explainJobFailure(source, sql));
    },
    async exportResult(jobId, source) {
      const running = job(jobId, source.location);
      await attempt(() => untilDone(running, source, signal), { limitMs: 0 }).catch(
        explainJobFailure(source, jobId),
      );
      const answer = attempt(() => running.getMetadata());
      const [metadata] = await answer.catch(explainJobFailure(source, jobId));
      const statistics = metadata.statistics?.query?.exportDataStatistics;
      return { rows: exportedRows(statistics?.rowCount, jobId), ...visibilityOf(metadata) };
    },
    async cancel(jobId, location, until) {
      const running = job(jobId, location);
      if (await stopped(running, until)) return;
      await burnJobId(jobId, location, until);
      await stopped(running, until);
    },
  };
}

/** How often to ask whether a cancelled job has stopped, in milliseconds. */
const CANCELLED_EVERY_MS = 200;

function isDone([metadata]: readonly [{ status?: { state?: string } }, ...unknown[]]): boolean {
  return metadata.status?.state === 'DONE';
}

/** The server holds each answer until the job is done or POLL_MS are over, so nothing sleeps here. */
async function untilDone(job: Job, source: SourceName, signal: AbortSignal): Promise<void> {
  for (;;) {
    const options = { maxResults: 0, timeoutMs: POLL_MS, autoPaginate: false };
    try {
      await withDeadline(job.getQueryResults(options), signal, RETRY_LIMITS.answerMs);
      return;
    } catch (error) {
      if (reasonOf(error) === undefined && /did not complete before/.test(String(error))) continue;
      if (isRetryable(error)) await requireRunning(job, source);
      throw error;
    }
  }
}

/** A failed request is not a failed job, and only the job itself tells which of them it was. */
async function requireRunning(job: Job, source: SourceName): Promise<void> {
  const [{ status }] = await job.getMetadata();
  const failure = status?.errorResult as { reason?: string; message?: string } | undefined;
  if (status?.state !== 'DONE' || failure === undefined) return;
  if (isRetryableReason(failure.reason)) throw jobFailed(source, String(job.id), failure);
}

function exportedRows(rowCount: string | undefined, jobId: string): number {
  if (rowCount !== undefined && rowCount !== null) return Number(rowCount);
  throw new ProjectorError({
    code: 'NO_EXPORT_STATISTICS',
    message: `BigQuery does not say how many rows the export job ${jobId} wrote`,
    hint: 'Run again; without that count nothing would tell a lost row.',
  });
}

/** The part of a Job that the client's types lack (REST reference, JobStatistics). */
interface JobProtection {
  readonly user_email?: string;
  readonly statistics?: {
    readonly rowLevelSecurityStatistics?: { readonly rowLevelSecurityApplied?: boolean };
    readonly dataMaskingStatistics?: { readonly dataMaskingApplied?: boolean };
  };
}

function visibilityOf({ user_email: account, statistics }: JobProtection): Visibility {
  return {
    rowPolicies: statistics?.rowLevelSecurityStatistics?.rowLevelSecurityApplied === true,
    masked: statistics?.dataMaskingStatistics?.dataMaskingApplied === true,
    account,
  };
}

function projectOf({ project }: SourceName): { projectId?: string } {
  return project === undefined ? {} : { projectId: project };
}
