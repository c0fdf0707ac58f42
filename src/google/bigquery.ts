import { randomUUID } from 'node:crypto';
import type { BigQuery, TableMetadata } from '@google-cloud/bigquery';
import { explainJobFailure, explainNoProject, explainTableFailure } from './bigquery-advice.ts';
import { type BigQueryContext, callBigQuery } from './bigquery-call.ts';
import { BigQueryJobs, type JobPlace } from './bigquery-jobs.ts';
import type { JobCost } from './job-cost.ts';
import { type ExportResult, exportedRows, type JobResult, readJobResult } from './job-result.ts';
import type { SourceName } from './source-name.ts';

/** The answer to a small query. */
export interface QueryResult extends JobResult {
  /** The values of the first row, INT64 or STRING, as text. */
  readonly cells: readonly (string | null)[];
}

/** All that the program asks of BigQuery. Every call may be repeated: jobs have ids of our own. */
export class BigQueryClient {
  /** The project that jobs are billed to. */
  readonly projectId: string;
  readonly #client: BigQuery;
  readonly #jobs: BigQueryJobs;
  readonly #context: BigQueryContext;

  constructor(client: BigQuery, projectId: string, context: BigQueryContext) {
    this.projectId = projectId;
    this.#client = client;
    this.#jobs = new BigQueryJobs(client, context);
    this.#context = context;
  }

  /** What all jobs of this client have cost so far, also those that failed or were cancelled. */
  get cost(): JobCost {
    return this.#jobs.cost;
  }

  /** tables.get. Throws TABLE_NOT_FOUND, ACCESS_DENIED. */
  async table(source: SourceName): Promise<TableMetadata> {
    const { project, dataset, table } = source;
    const options = project === undefined ? {} : { projectId: project };
    const handle = this.#client.dataset(dataset, options).table(table);
    const answer = callBigQuery(this.#context, () => handle.getMetadata());
    return (await answer.catch(explainTableFailure(source)))[0] as TableMetadata;
  }

  /** Runs a small query. The same text is answered from BigQuery's cache while its tables are unchanged. */
  async firstRow(sql: string, source: SourceName): Promise<QueryResult> {
    const jobId = `bq_to_postgres_${randomUUID()}`;
    await this.start(jobId, sql, source);
    const done = this.#jobs.finish(jobId, source);
    const [row = {}, metadata] = await done.catch(explainJobFailure(source, sql));
    const cells = Object.values(row).map((cell) =>
      cell === null || typeof cell === 'string' ? cell : cell.value,
    );
    return { cells, ...readJobResult(metadata) };
  }

  /** Starts a query job under `jobId`; one that exists already under this id is taken as started. */
  async start(jobId: string, sql: string, source: SourceName): Promise<void> {
    await this.#jobs.insert(jobId, sql, source.location).catch(explainJobFailure(source, sql));
  }

  /**
   * Waits for an EXPORT DATA job to end. Throws what failed it: JOB_FAILED where BigQuery itself did,
   * and the same statement under another job id may succeed.
   */
  async exportResult(jobId: string, source: SourceName): Promise<ExportResult> {
    const done = this.#jobs.finish(jobId, source);
    const [, metadata] = await done.catch(explainJobFailure(source, jobId));
    return { rows: exportedRows(metadata), ...readJobResult(metadata) };
  }

  /**
   * Sees to it that the job writes nothing more, whether or not it has begun. Has a signal of its own,
   * as jobs are cancelled when the run's signal is aborted. Throws where the job may still write.
   */
  async cancel(job: JobPlace, signal: AbortSignal): Promise<void> {
    await this.#jobs.stop(job, signal);
  }
}

/**
 * Opens BigQuery with Application Default Credentials, whose project is the one that is billed;
 * BIGQUERY_EMULATOR_HOST is honoured by the client itself.
 */
export async function openBigQuery(context: BigQueryContext): Promise<BigQueryClient> {
  const { credentials } = context;
  const [{ BigQuery }, projectId] = await Promise.all([
    import('@google-cloud/bigquery'),
    // Asked for here, as the client does not fill it into every path by itself.
    callBigQuery(context, async () => (await credentials()).getProjectId()).catch(explainNoProject),
  ]);
  // Retries are ours: the client's own give up within seconds and do not see our signal.
  const retryOptions = { autoRetry: false };
  const options = { authClient: await credentials(), projectId, retryOptions };
  return new BigQueryClient(new BigQuery(options as object), projectId, context);
}
