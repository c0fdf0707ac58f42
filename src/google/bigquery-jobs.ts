import { setTimeout as sleep } from 'node:timers/promises';
import type { BigQuery, Job, JobMetadata } from '@google-cloud/bigquery';
import { ProjectorError } from '../errors.ts';
import { apiMessage, reasonOf, statusOf } from './api-error.ts';
import { jobStateUnknown } from './bigquery-advice.ts';
import { type BigQueryContext, type CallOptions, callBigQuery } from './bigquery-call.ts';
import { addCosts, type JobCost, NO_COST, readCost } from './job-cost.ts';
import { isRetryable } from './retryable.ts';
import type { SourceName } from './source-name.ts';
import { type Row, waitForJob } from './wait-for-job.ts';

/** How often to ask whether a cancelled job has stopped, in milliseconds. */
const CANCELLED_EVERY_MS = 200;

/**
 * For how long BigQuery may not know a job that it has accepted, in milliseconds: after an insert,
 * and after an insert that was refused as a duplicate. google-cloud-python waits for the latter, too
 * (google/cloud/bigquery/_job_helpers.py).
 */
const SETTLES_MS = { inserted: 15_000, duplicate: 120_000 };

/** Where a job is. */
export interface JobPlace {
  readonly jobId: string;
  readonly location: string;
  /** The project that it is billed to; undefined: that of the credentials. */
  readonly project: string | undefined;
}

/** Query jobs by ids of our own, so that every request may be repeated. */
export class BigQueryJobs {
  readonly #client: BigQuery;
  readonly #context: BigQueryContext;
  /** By job id: until when a 404 is passing, by the clock of `performance.now()`. */
  readonly #settledAt = new Map<string, number>();
  readonly #costs = new Map<string, JobCost>();

  constructor(client: BigQuery, context: BigQueryContext) {
    this.#client = client;
    this.#context = context;
  }

  /** What all jobs have cost whose end was seen. */
  get cost(): JobCost {
    return [...this.#costs.values()].reduce(addCosts, NO_COST);
  }

  /** Starts a query job. Gives false where one exists already under this id. */
  async insert(jobId: string, query: string, location: string, until?: AbortSignal) {
    const { labels = {} } = this.#context;
    const configuration = { query: { query, useLegacySql: false }, labels };
    const create = () => this.#client.createJob({ jobId, location, configuration });
    try {
      await this.#call(jobId, create, until && { until });
      this.#settlesIn(jobId, SETTLES_MS.inserted);
      return true;
    } catch (error) {
      if (statusOf(error) !== 409) throw error;
      this.#settlesIn(jobId, SETTLES_MS.duplicate);
      return false;
    }
  }

  /** Waits until the job has succeeded; its first row, if it has rows, and what jobs.get answers then. */
  async finish(jobId: string, source: SourceName): Promise<[Row | undefined, JobMetadata]> {
    const job = this.#job(jobId, source.location);
    const wait = () => waitForJob(job, source, this.#context.signal);
    try {
      const row = await this.#call(jobId, wait, { limitMs: undefined });
      return [row, await this.#metadata(job)];
    } catch (error) {
      // A job that failed has its cost, too.
      if (isAnswer(error)) await this.#metadata(job).catch(() => undefined);
      throw error;
    }
  }

  /**
   * Sees to it that the job writes nothing more: stops it, and waits until it is done. One that
   * BigQuery does not know may have been asked for all the same, by a request that is still on its
   * way: its id is used up, so that nothing begins under it. Throws JOB_STATE_UNKNOWN where BigQuery
   * neither knows the job nor takes its id. A job in another project than this client's is that of an
   * earlier run with other credentials: nothing of it is on its way any more.
   */
  async stop({ jobId, location, project }: JobPlace, until: AbortSignal): Promise<void> {
    const job = this.#job(jobId, location, project);
    if (await this.#stopped(job, until)) return;
    if (project !== undefined && project !== this.#client.projectId) return;
    if (await this.#burnJobId(jobId, location, until)) return;
    if (!(await this.#stopped(job, until))) throw jobStateUnknown(jobId);
  }

  #job(id: string, location: string, project?: string): Job {
    return this.#client.job(id, { location, ...(project !== undefined && { projectId: project }) });
  }

  /** Takes the id for a job that does nothing; whoever may not start jobs has none on its way. */
  async #burnJobId(jobId: string, location: string, until: AbortSignal): Promise<boolean> {
    try {
      return await this.insert(jobId, 'SELECT 1', location, until);
    } catch (error) {
      if (statusOf(error) !== 403) throw error;
      return true;
    }
  }

  /** Gives false where BigQuery does not know the job. */
  async #stopped(job: Job, until: AbortSignal): Promise<boolean> {
    try {
      await this.#call(String(job.id), () => job.cancel(), { until });
      while ((await this.#metadata(job, until)).status?.state !== 'DONE') {
        await sleep(CANCELLED_EVERY_MS, undefined, { signal: until });
      }
      return true;
    } catch (error) {
      if (statusOf(error) !== 404) throw error;
      return false;
    }
  }

  async #metadata(job: Job, until?: AbortSignal): Promise<JobMetadata> {
    const jobId = String(job.id);
    const [metadata] = await this.#call(jobId, () => job.getMetadata(), until && { until });
    if (metadata.status?.state === 'DONE') this.#costs.set(jobId, readCost(metadata));
    return metadata as JobMetadata;
  }

  #settlesIn(jobId: string, ms: number): void {
    this.#settledAt.set(jobId, performance.now() + ms);
  }

  /** A job that was accepted is not found for a moment, or for minutes. */
  #call<T>(jobId: string, action: () => Promise<T>, options: CallOptions = {}): Promise<T> {
    const mayPass = (error: unknown) =>
      isUnknownJob(error) && performance.now() < (this.#settledAt.get(jobId) ?? 0);
    return callBigQuery(this.#context, action, { mayPass, ...options });
  }
}

/** BigQuery has answered that the job failed; it is not BigQuery that does not answer. */
function isAnswer(error: unknown): boolean {
  if (isRetryable(error)) return false;
  return error instanceof ProjectorError || reasonOf(error) !== undefined;
}

/** A job that failed for a missing table is a 404 as well. */
function isUnknownJob(error: unknown): boolean {
  return statusOf(error) === 404 && /^Not found: Job /i.test(apiMessage(error));
}
