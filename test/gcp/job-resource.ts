import { ACCOUNT } from './access.ts';
import type { Job } from './jobs.ts';
import type { Table } from './table.ts';
import type { JobSummary } from './types.ts';
import { withReads } from './warehouse.ts';

/** A `Job` as jobs.get answers it (discovery document; recorded: http_corpus, export_csv_query_job). */
export function jobResource(job: Job): Record<string, unknown> {
  const { project } = job.request;
  return {
    kind: 'bigquery#job',
    etag: Buffer.from(`${job.id}/${job.state}`).toString('base64'),
    id: `${project}:${job.location}.${job.id}`,
    selfLink: `https://bigquery.googleapis.com/bigquery/v2/projects/${project}/jobs/${job.id}?location=${job.location}`,
    user_email: ACCOUNT,
    principal_subject: `serviceAccount:${ACCOUNT}`,
    configuration: { ...(job.request.configuration as object), jobType: 'QUERY' },
    jobReference: jobReference(job),
    statistics: statistics(job),
    status: jobStatus(job),
    jobCreationReason: { code: 'REQUESTED' },
  };
}

export function jobReference(job: Job): Record<string, string> {
  const reference = { projectId: job.request.project, location: job.location };
  return job.request.dryRun ? reference : { ...reference, jobId: job.id };
}

/** A failed job is DONE too; that it failed is in `errorResult` (documentation: "JobStatus"). */
export function jobStatus(job: Job): Record<string, unknown> {
  if (job.error === undefined) return { state: job.request.dryRun ? 'DONE' : job.state };
  const error = job.error.proto();
  return { errorResult: error, errors: [error], state: job.state };
}

function statistics(job: Job): Record<string, unknown> {
  const times = {
    creationTime: String(job.created),
    ...(job.started === undefined ? {} : { startTime: String(job.started) }),
    ...(job.ended === undefined ? {} : { endTime: String(job.ended) }),
  };
  const bytes = String(job.exported?.bytes ?? 0);
  const { exported, result, request, schema } = job;
  const query = {
    totalBytesProcessed: bytes,
    totalBytesBilled: bytes,
    cacheHit: false,
    statementType: job.statementType,
    // Numbers of 64 bits are text in Google's JSON.
    ...(exported && {
      exportDataStatistics: {
        fileCount: String(exported.fileCount),
        rowCount: String(exported.rowCount),
      },
    }),
    ...(result?.affected !== undefined && { numDmlAffectedRows: String(result.affected) }),
    ...(request.dryRun && { schema: { fields: schema.fields } }),
  };
  return { ...times, ...protections(job.sources), totalBytesProcessed: bytes, query };
}

/** `JobStatistics`: told of the job as a whole, also where the account sees all (documentation: "Use row-level security", job statistics). */
function protections(sources: readonly Table[]): Record<string, unknown> {
  const hidden = withReads(sources).flatMap(({ options }) => options.hidden ?? []);
  return {
    ...(hidden.some(({ rows }) => rows !== undefined) && {
      rowLevelSecurityStatistics: { rowLevelSecurityApplied: true },
    }),
    ...(hidden.some(({ values }) => values !== undefined) && {
      dataMaskingStatistics: { dataMaskingApplied: true },
    }),
  };
}

export function jobSummary(job: Job): JobSummary {
  const summary = {
    id: job.id,
    project: job.request.project,
    location: job.location,
    kind: job.statementType,
    state: job.state,
    query: job.request.query,
  };
  return job.error === undefined ? summary : { ...summary, error: job.error.reason };
}
