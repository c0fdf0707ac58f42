import type { BigQuery, Job, TableMetadata } from '@google-cloud/bigquery';
import type { GoogleAuth } from 'google-auth-library';
import { ProjectorError } from '../errors.ts';
import type { SourceName } from '../source.ts';
import { isRetryable, statusOf } from './bigquery-errors.ts';
import { explainJobFailure, explainNoProject, explainTableFailure } from './bigquery-failures.ts';
import { retry } from './retry.ts';

/** How long one long poll asks BigQuery to hold its answer, in milliseconds. */
const POLL_MS = 20_000;

export type ExportResult = { readonly rows: number };

/** All that the program asks of BigQuery. Every call may be repeated: jobs have ids of our own. */
export interface Warehouse {
  /** tables.get. Throws TABLE_NOT_FOUND, ACCESS_DENIED. */
  table(source: SourceName): Promise<TableMetadata>;
  /** Runs a small query; the values of its first row as BigQuery's JSON has them, as text. */
  firstRow(sql: string, source: SourceName): Promise<readonly (string | null)[]>;
  /** Starts a query job under `jobId`; one that exists already under this id is taken as started. */
  start(jobId: string, sql: string, source: SourceName): Promise<void>;
  /** Waits for an EXPORT DATA job to end. Throws what failed it. */
  exportResult(jobId: string, source: SourceName): Promise<ExportResult>;
  /** Asks for the job to be stopped; a job that is done or unknown is success. */
  cancel(jobId: string, location: string): Promise<void>;
}

/**
 * Opens BigQuery with Application Default Credentials, whose project is the one that is billed;
 * BIGQUERY_EMULATOR_HOST is honoured by the client itself. `signal` ends every wait.
 */
export async function openWarehouse(auth: GoogleAuth, signal: AbortSignal): Promise<Warehouse> {
  const { BigQuery } = await import('@google-cloud/bigquery');
  // Retries are ours: the client's own give up within seconds and do not see our signal.
  const options = { authClient: auth, retryOptions: { autoRetry: false } };
  const attempt = <T>(action: () => Promise<T>): Promise<T> =>
    retry(action, { signal, isRetryable, onUnauthorized: () => forgetToken(auth) });
  // Asked for here, as the client does not fill it into every path by itself.
  const projectId = await attempt(() => auth.getProjectId()).catch(explainNoProject);
  const client = new BigQuery({ ...options, projectId } as object);
  return warehouse(client, attempt);
}

type Attempt = <T>(action: () => Promise<T>) => Promise<T>;

function warehouse(client: BigQuery, attempt: Attempt): Warehouse {
  const job = (id: string, location: string): Job => client.job(id, { location });
  return {
    async table(source) {
      const dataset = client.dataset(source.dataset, projectOf(source));
      const metadata = attempt(() => dataset.table(source.table).getMetadata());
      return (await metadata.catch(explainTableFailure(source)))[0] as TableMetadata;
    },
    async firstRow(sql, source) {
      const query = { query: sql, location: source.location, maxResults: 1, skipParsing: true };
      const answer = attempt(() => client.query(query));
      const [rows] = await answer.catch(explainJobFailure(source, sql));
      const cells = (rows[0] as { f?: { v: string | null }[] } | undefined)?.f ?? [];
      return cells.map((cell) => cell.v);
    },
    async start(jobId, sql, source) {
      const configuration = { query: { query: sql, useLegacySql: false } };
      const insert = () => client.createJob({ jobId, location: source.location, configuration });
      await attempt(insert).catch((error) => {
        if (statusOf(error) !== 409) explainJobFailure(source, sql)(error);
      });
    },
    async exportResult(jobId, source) {
      const running = job(jobId, source.location);
      await attempt(() => untilDone(running)).catch(explainJobFailure(source, jobId));
      const [metadata] = await attempt(() => running.getMetadata());
      const statistics = metadata.statistics?.query?.exportDataStatistics;
      return { rows: exportedRows(statistics?.rowCount, jobId) };
    },
    async cancel(jobId, location) {
      await attempt(() => job(jobId, location).cancel()).catch((error) => {
        if (statusOf(error) !== 404) throw error;
      });
    },
  };
}

/** The server holds each answer until the job is done or POLL_MS are over, so nothing sleeps here. */
async function untilDone(job: Job): Promise<void> {
  for (;;) {
    const options = { maxResults: 0, timeoutMs: POLL_MS, autoPaginate: false };
    const done = await job.getQueryResults(options).then(
      () => true,
      (error) => {
        if (/did not complete before/.test(String(error))) return false;
        throw error;
      },
    );
    if (done) return;
  }
}

function exportedRows(rowCount: string | undefined, jobId: string): number {
  if (rowCount !== undefined && rowCount !== null) return Number(rowCount);
  throw new ProjectorError({
    code: 'NO_EXPORT_STATISTICS',
    message: `BigQuery does not say how many rows the export job ${jobId} wrote`,
    next: 'Run again; without that count nothing would tell a lost row.',
  });
}

function projectOf({ project }: SourceName): { projectId?: string } {
  return project === undefined ? {} : { projectId: project };
}

/** Drops the cached access token, so that the next request fetches a new one. */
async function forgetToken(auth: GoogleAuth): Promise<void> {
  const client = await auth.getClient();
  client.setCredentials({});
}
