import { randomUUID } from 'node:crypto';
import { ApiError } from './api-error.ts';
import { type ApiRequest, type ApiResponse, ok } from './http.ts';
import type { Job } from './job.ts';
import { jobReference, jobResource } from './job-resource.ts';
import type { Jobs } from './jobs.ts';
import { restRow } from './result-rows.ts';
import type { Fault, Settings } from './types.ts';

/** As long as the service waits for a query by default (documentation: "Jobs: getQueryResults"). */
const DEFAULT_WAIT_MS = 10_000;

interface JobBody {
  readonly configuration?: {
    readonly query?: { readonly query?: string; readonly useLegacySql?: boolean };
  };
  readonly jobReference?: { readonly jobId?: string; readonly location?: string };
}

export async function insertJob(
  jobs: Jobs,
  project: string,
  request: ApiRequest,
  settings: Settings,
  fault: Fault | undefined,
): Promise<ApiResponse> {
  const { configuration, jobReference: reference } = request.json() as JobBody;
  const query = configuration?.query;
  if (query?.useLegacySql !== false || reference?.jobId === undefined) {
    throw new ApiError('invalid', 'the stand-in runs queries in GoogleSQL that have a job id');
  }
  const failure =
    fault?.kind === 'job-error'
      ? { reason: fault.reason, message: fault.message ?? `A test asked for ${fault.reason}.` }
      : undefined;
  const job = await jobs.insert({
    project,
    id: reference.jobId,
    location: reference.location,
    query: query.query ?? '',
    configuration,
    failure,
  });
  return ok(jobResource(job, settings));
}

interface QueryBody {
  readonly query?: string;
  readonly location?: string;
  readonly maxResults?: number;
  readonly timeoutMs?: number;
  readonly requestId?: string;
}

/** jobs.query, by which the tests of the stand-in ask; the program inserts jobs. */
export async function runQuery(
  jobs: Jobs,
  project: string,
  request: ApiRequest,
  settings: Settings,
): Promise<ApiResponse> {
  const { query = '', location, maxResults, timeoutMs, requestId } = request.json() as QueryBody;
  const id = `job_${requestId ?? randomUUID()}`;
  const configuration = { query: { query, useLegacySql: false } };
  const job = await jobs.insert({
    ...{ project, id, location, query, configuration },
    failure: undefined,
  });
  await job.settled(Math.min(timeoutMs ?? DEFAULT_WAIT_MS, settings.longestPollMs));
  return ok({
    kind: 'bigquery#queryResponse',
    queryId: id,
    jobReference: jobReference(job),
    ...resultPage(job, 0, maxResults ?? Number.POSITIVE_INFINITY),
  });
}

/** Asks for it, and returns at once: the job may still end by itself (documentation: "Jobs: cancel"). */
export function cancelJob(job: Job, settings: Settings): ApiResponse {
  job.cancel();
  return ok({ kind: 'bigquery#jobCancelResponse', job: jobResource(job, settings) });
}

/** The service may answer sooner than it was asked to wait. */
export async function queryResults(
  job: Job,
  request: ApiRequest,
  settings: Settings,
): Promise<ApiResponse> {
  const query = request.url.searchParams;
  const waitMs = Number(query.get('timeoutMs') ?? DEFAULT_WAIT_MS);
  await job.settled(Math.min(waitMs, settings.longestPollMs));
  const limit = query.get('maxResults');
  const start = Number(query.get('pageToken') ?? 0);
  return ok({
    kind: 'bigquery#getQueryResultsResponse',
    etag: Buffer.from(job.facts.request.id).toString('base64'),
    jobReference: jobReference(job),
    ...resultPage(job, start, limit === null ? Number.POSITIVE_INFINITY : Number(limit)),
  });
}

/** A page of a job's rows; where the job failed, its error as the answer (documentation: "Jobs: query"). */
function resultPage(job: Job, start: number, limit: number): Record<string, unknown> {
  if (job.state !== 'DONE') return { jobComplete: false };
  if (job.error !== undefined) throw job.error;
  const done = { jobComplete: true, totalBytesProcessed: '0', cacheHit: job.facts.cacheHit };
  // Nothing comes back of an export (recorded: export_data, export_avro_basic).
  const { rows, fields, types } = job.result ?? { rows: [], fields: undefined, types: [] };
  const page = rows.slice(start, start + limit);
  return {
    ...done,
    ...(fields !== undefined && { schema: { fields } }),
    totalRows: String(rows.length),
    // A page without rows has no `rows` (recorded: page_empty_result_set).
    ...(page.length > 0 && { rows: page.map((row) => restRow(row, types)) }),
    ...(start + limit < rows.length && { pageToken: String(start + limit) }),
  };
}
