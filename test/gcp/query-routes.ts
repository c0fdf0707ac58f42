import { ApiError } from './api-error.ts';
import { type ApiRequest, type ApiResponse, ok } from './http.ts';
import { jobReference, jobResource } from './job-resource.ts';
import type { Job, JobRequest, Jobs, World } from './jobs.ts';
import { restRow, type TimestampFormat } from './result-rows.ts';
import type { Fault } from './types.ts';

/** As long as the service waits for a query where it is not told (documentation: "Jobs: query"). */
const DEFAULT_WAIT_MS = 10_000;

interface FormatOptions {
  readonly useInt64Timestamp?: boolean;
  readonly timestampOutputFormat?: string;
}

interface QueryConfiguration {
  readonly query?: string;
  readonly useLegacySql?: boolean;
  readonly defaultDataset?: { readonly datasetId: string };
}

interface QueryBody extends QueryConfiguration {
  readonly location?: string;
  readonly timeoutMs?: number;
  readonly maxResults?: number;
  readonly requestId?: string;
  readonly dryRun?: boolean;
  readonly formatOptions?: FormatOptions;
}

/** Makes jobs.insert, jobs.query, jobs.get, jobs.list, jobs.cancel and jobs.getQueryResults. */
export function createQueryRoutes(world: World, jobs: Jobs) {
  const byRequestId = new Map<string, Promise<Job>>();
  return {
    async insert(request: ApiRequest, project: string, fault?: Fault): Promise<ApiResponse> {
      const body = request.json() as {
        configuration?: { query?: QueryConfiguration; dryRun?: boolean };
        jobReference?: { jobId?: string; location?: string };
      };
      const query = body.configuration?.query;
      if (query === undefined) throw new ApiError('invalid', 'the stand-in runs query jobs only');
      const job = await jobs.insert({
        ...readQuery(query, fault),
        project,
        id: body.jobReference?.jobId,
        location: body.jobReference?.location,
        dryRun: body.configuration?.dryRun ?? false,
        configuration: body.configuration,
      });
      return ok(jobResource(job));
    },

    /** The same `requestId` is the same query, for a lost answer (documentation: "QueryRequest"). */
    async query(request: ApiRequest, project: string, fault?: Fault): Promise<ApiResponse> {
      const body = request.json() as QueryBody;
      const start = (): Promise<Job> =>
        jobs.insert({
          ...readQuery(body, fault),
          project,
          id: undefined,
          location: body.location,
          dryRun: body.dryRun ?? false,
          configuration: { query: { query: body.query, useLegacySql: false } },
        });
      const starting = byRequestId.get(body.requestId ?? '') ?? start();
      if (body.requestId !== undefined) byRequestId.set(body.requestId, starting);
      starting.catch(() => byRequestId.delete(body.requestId ?? ''));
      const job = await starting;
      await settled(job, body.timeoutMs ?? DEFAULT_WAIT_MS);
      return ok({
        ...resultPage(world, job, body.maxResults, 0, timestampFormat(body.formatOptions ?? {})),
        kind: 'bigquery#queryResponse',
        queryId: job.id,
        location: job.location,
        creationTime: String(job.created),
        jobCreationReason: { code: 'REQUESTED' },
      });
    },

    async results(request: ApiRequest, project: string, id: string): Promise<ApiResponse> {
      const query = request.url.searchParams;
      const job = jobs.get(project, id, query.get('location') ?? undefined);
      await settled(job, Number(query.get('timeoutMs') ?? DEFAULT_WAIT_MS));
      const start = Number(query.get('pageToken') ?? query.get('startIndex') ?? 0);
      const asked = query.get('maxResults');
      const format = timestampFormat({
        useInt64Timestamp: query.get('formatOptions.useInt64Timestamp') === 'true',
        timestampOutputFormat: query.get('formatOptions.timestampOutputFormat') ?? '',
      });
      const limit = asked === null ? undefined : Number(asked);
      return ok({
        ...resultPage(world, job, limit, start, format),
        kind: 'bigquery#getQueryResultsResponse',
        etag: Buffer.from(job.id).toString('base64'),
      });
    },

    get: (request: ApiRequest, project: string, id: string): ApiResponse =>
      ok(jobResource(jobs.get(project, id, locationOf(request)))),

    /** Asks for it, and returns at once: the job may still end by itself (documentation: "Jobs: cancel"). */
    cancel(request: ApiRequest, project: string, id: string): ApiResponse {
      const job = jobs.get(project, id, locationOf(request));
      job.cancel();
      return ok({ kind: 'bigquery#jobCancelResponse', job: jobResource(job) });
    },

    delete(request: ApiRequest, project: string, id: string): ApiResponse {
      jobs.delete(jobs.get(project, id, locationOf(request)));
      return { status: 204 };
    },

    list(request: ApiRequest, project: string): ApiResponse {
      const query = request.url.searchParams;
      const states = query.getAll('stateFilter').map((state) => state.toUpperCase());
      const all = jobs
        .list(project)
        .filter((job) => states.length === 0 || states.includes(job.state));
      const start = Number(query.get('pageToken') ?? 0);
      const size = Math.min(Number(query.get('maxResults') ?? 50), world.settings.pageSize);
      const next = start + size < all.length ? { nextPageToken: String(start + size) } : {};
      return ok({
        kind: 'bigquery#jobList',
        etag: 'list',
        jobs: all
          .slice(start, start + size)
          .map((job) => ({ ...jobResource(job), state: job.state })),
        ...next,
      });
    },
  };
}

function locationOf(request: ApiRequest): string | undefined {
  return request.url.searchParams.get('location') ?? undefined;
}

function readQuery(
  query: QueryConfiguration,
  fault: Fault | undefined,
): Pick<JobRequest, 'query' | 'defaultDataset' | 'failure'> {
  if (query.useLegacySql !== false) {
    throw new ApiError('invalidQuery', 'the stand-in runs GoogleSQL only', { location: 'query' });
  }
  const failure =
    fault?.kind === 'job-error'
      ? { reason: fault.reason, message: fault.message ?? `A test asked for ${fault.reason}.` }
      : undefined;
  return { query: query.query ?? '', defaultDataset: query.defaultDataset?.datasetId, failure };
}

async function settled(job: Job, timeoutMs: number): Promise<void> {
  let timer: Timer | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([job.done, late]);
  clearTimeout(timer);
}

function timestampFormat(options: FormatOptions): TimestampFormat {
  const named = options.timestampOutputFormat;
  if (named === 'INT64' || named === 'ISO8601_STRING') return named;
  return options.useInt64Timestamp === true ? 'INT64' : 'FLOAT64';
}

/** A page of a job's rows; where the job failed, its error as the answer (documentation: "Jobs: query"). */
function resultPage(
  world: World,
  job: Job,
  maxResults: number | undefined,
  start: number,
  format: TimestampFormat,
): Record<string, unknown> {
  const reference = { jobReference: jobReference(job) };
  if (job.request.dryRun) {
    return {
      ...reference,
      jobComplete: true,
      schema: { fields: job.schema.fields },
      totalBytesProcessed: '0',
      cacheHit: false,
    };
  }
  if (job.state !== 'DONE') return { ...reference, jobComplete: false };
  if (job.error !== undefined) throw job.error;
  if (job.exported !== undefined) {
    // Nothing comes back of an export (recorded: export_data, export_avro_basic).
    return {
      ...reference,
      jobComplete: true,
      totalRows: '0',
      totalBytesProcessed: '0',
      cacheHit: false,
    };
  }
  const rows = job.result?.rows ?? [];
  const size = Math.min(maxResults ?? rows.length, world.settings.pageSize);
  const page = rows.slice(start, start + size);
  const affected = job.result?.affected;
  return {
    ...reference,
    jobComplete: true,
    schema: { fields: job.schema.fields },
    totalRows: String(rows.length),
    // A page without rows has no `rows` (recorded: page_empty_result_set).
    ...(page.length > 0 ? { rows: page.map((row) => restRow(row, job.schema.types, format)) } : {}),
    ...(start + size < rows.length ? { pageToken: String(start + size) } : {}),
    ...(affected === undefined ? {} : { numDmlAffectedRows: String(affected) }),
    totalBytesProcessed: '0',
    cacheHit: false,
  };
}
