import { setTimeout as sleep } from 'node:timers/promises';
import type { BigQuery, Job, TableMetadata } from '@google-cloud/bigquery';
import type { GoogleAuth } from 'google-auth-library';
import type { Report } from '../report/report.ts';
import { RETRY_LIMITS, retry } from '../retry.ts';
import { apiMessage, statusOf } from './api-error.ts';
import { explainJobFailure, explainNoProject, explainTableFailure } from './bigquery-advice.ts';
import { forgetToken } from './credentials.ts';
import { type ExportResult, readExportResult } from './export-result.ts';
import { isRetryable } from './retryable.ts';
import type { SourceName } from './source-name.ts';
import { waitForJob } from './wait-for-job.ts';
import { withDeadline } from './with-deadline.ts';

/** How often to ask whether a cancelled job has stopped, in milliseconds. */
const CANCELLED_EVERY_MS = 200;

/** What every request to BigQuery needs. */
interface BigQueryContext {
  readonly credentials: () => Promise<GoogleAuth>;
  /** Ends every wait. */
  readonly signal: AbortSignal;
  readonly report: Pick<Report, 'warn'>;
}

/** All that the program asks of BigQuery. Every call may be repeated: jobs have ids of our own. */
export class BigQueryClient {
  readonly #client: BigQuery;
  readonly #context: BigQueryContext;

  constructor(client: BigQuery, context: BigQueryContext) {
    this.#client = client;
    this.#context = context;
  }

  /** tables.get. Throws TABLE_NOT_FOUND, ACCESS_DENIED. */
  async table(source: SourceName): Promise<TableMetadata> {
    const { project, dataset, table } = source;
    const options = project === undefined ? {} : { projectId: project };
    const handle = this.#client.dataset(dataset, options).table(table);
    const answer = this.#call(() => handle.getMetadata());
    return (await answer.catch(explainTableFailure(source)))[0] as TableMetadata;
  }

  /** Runs a small query; the values of its first row as BigQuery's JSON has them, as text. */
  async firstRow(sql: string, source: SourceName): Promise<readonly (string | null)[]> {
    const query = { query: sql, location: source.location, maxResults: 1, skipParsing: true };
    const answer = this.#call(() => this.#client.query(query), { limitMs: undefined });
    const [rows] = await answer.catch(explainJobFailure(source, sql));
    const cells = (rows[0] as { f?: { v: string | null }[] } | undefined)?.f ?? [];
    return cells.map((cell) => cell.v);
  }

  /** Starts a query job under `jobId`; one that exists already under this id is taken as started. */
  async start(jobId: string, sql: string, source: SourceName): Promise<void> {
    const { signal } = this.#context;
    await this.#insert(jobId, sql, source.location, signal).catch(explainJobFailure(source, sql));
  }

  /**
   * Waits for an EXPORT DATA job to end. Throws what failed it: JOB_FAILED where BigQuery itself did,
   * and the same statement under another job id may succeed.
   */
  async exportResult(jobId: string, source: SourceName): Promise<ExportResult> {
    const job = this.#job(jobId, source.location);
    const wait = () => waitForJob(job, source, this.#context.signal);
    const done = this.#call(wait, { limitMs: undefined });
    const answer = done.then(() => this.#call(() => job.getMetadata()));
    const [metadata] = await answer.catch(explainJobFailure(source, jobId));
    return readExportResult(jobId, metadata);
  }

  /**
   * Sees to it that the job writes nothing more: stops it, and waits until it is done. One that
   * BigQuery does not know may have been asked for all the same, by a request that is still on its
   * way: its id is used up, so that nothing begins under it. Has a signal of its own, as jobs are
   * cancelled when the run's signal is aborted.
   */
  async cancel(jobId: string, location: string, signal: AbortSignal): Promise<void> {
    const job = this.#job(jobId, location);
    if (await this.#stopped(job, signal)) return;
    await this.#burnJobId(jobId, location, signal);
    await this.#stopped(job, signal);
  }

  #job(id: string, location: string): Job {
    return this.#client.job(id, { location });
  }

  async #insert(jobId: string, query: string, location: string, until: AbortSignal): Promise<void> {
    const configuration = { query: { query, useLegacySql: false } };
    const create = () => this.#client.createJob({ jobId, location, configuration });
    await this.#call(create, { until }).catch((error) => {
      if (statusOf(error) !== 409) throw error;
    });
  }

  /** Takes the id for a job that does nothing; whoever may not start jobs has none on its way. */
  async #burnJobId(jobId: string, location: string, until: AbortSignal): Promise<void> {
    await this.#insert(jobId, 'SELECT 1', location, until).catch((error) => {
      if (statusOf(error) !== 403) throw error;
    });
  }

  /** Gives false where BigQuery does not know the job. */
  async #stopped(job: Job, until: AbortSignal): Promise<boolean> {
    try {
      await this.#call(() => job.cancel(), { until });
      for (;;) {
        const [{ status }] = await this.#call(() => job.getMetadata(), { until });
        if (status?.state === 'DONE') return true;
        await sleep(CANCELLED_EVERY_MS, undefined, { signal: until });
      }
    } catch (error) {
      if (statusOf(error) !== 404) throw error;
      return false;
    }
  }

  /** `limitMs` is for one try; undefined where it polls by itself for as long as a job takes. */
  async #call<T>(
    action: () => Promise<T>,
    limits: { readonly until?: AbortSignal; readonly limitMs?: number | undefined } = {},
  ): Promise<T> {
    return await callBigQuery(this.#context, action, { limitMs: RETRY_LIMITS.answerMs, ...limits });
  }
}

async function callBigQuery<T>(
  { credentials, signal, report }: BigQueryContext,
  action: () => Promise<T>,
  limits: { readonly until?: AbortSignal; readonly limitMs: number | undefined },
): Promise<T> {
  const until = limits.until ?? signal;
  return await retry(() => withDeadline(action(), until, limits.limitMs), {
    signal: until,
    isRetryable,
    onUnauthorized: async () => forgetToken(await credentials()),
    onWait: (error) => report.warn(`BigQuery did not answer: ${apiMessage(error)}; trying again`),
  });
}

/**
 * Opens BigQuery with Application Default Credentials, whose project is the one that is billed;
 * BIGQUERY_EMULATOR_HOST is honoured by the client itself.
 */
export async function openBigQuery(context: BigQueryContext): Promise<BigQueryClient> {
  const { credentials } = context;
  const project = async () => (await credentials()).getProjectId();
  const [{ BigQuery }, projectId] = await Promise.all([
    import('@google-cloud/bigquery'),
    // Asked for here, as the client does not fill it into every path by itself.
    callBigQuery(context, project, { limitMs: RETRY_LIMITS.answerMs }).catch(explainNoProject),
  ]);
  // Retries are ours: the client's own give up within seconds and do not see our signal.
  const retryOptions = { autoRetry: false };
  const options = { authClient: await credentials(), projectId, retryOptions };
  return new BigQueryClient(new BigQuery(options as object), context);
}
