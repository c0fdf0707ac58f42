import { ACCOUNT } from './access.ts';
import type { Job } from './job.ts';
import { type Table, withReads } from './table.ts';
import type { JobSummary, Settings } from './types.ts';

const MEGABYTE = 1024n * 1024n;

/** A `Job` as jobs.get answers it (discovery document; recorded: http_corpus, export_csv_query_job). */
export function jobResource(job: Job, { exportStatistics }: Settings): Record<string, unknown> {
  const { location, request } = job.facts;
  const { project, id } = request;
  return {
    kind: 'bigquery#job',
    etag: Buffer.from(`${id}/${job.state}`).toString('base64'),
    id: `${project}:${location}.${id}`,
    selfLink: `https://bigquery.googleapis.com/bigquery/v2/projects/${project}/jobs/${id}?location=${location}`,
    user_email: ACCOUNT,
    principal_subject: `serviceAccount:${ACCOUNT}`,
    configuration: { ...(request.configuration as object), jobType: 'QUERY' },
    jobReference: jobReference(job),
    statistics: statistics(job, exportStatistics),
    status: jobStatus(job),
    jobCreationReason: { code: 'REQUESTED' },
  };
}

export function jobReference({ facts: { request, location } }: Job): Record<string, string> {
  return { projectId: request.project, jobId: request.id, location };
}

/** A failed job is DONE too; that it failed is in `errorResult` (documentation: "JobStatus"). */
function jobStatus({ error, state }: Job): Record<string, unknown> {
  if (error === undefined) return { state };
  const proto = error.proto();
  return { errorResult: proto, errors: [proto], state };
}

/** Numbers of 64 bits are text in Google's JSON. */
function statistics(job: Job, counted: Settings['exportStatistics']): Record<string, unknown> {
  const { created, ended, facts, result } = job;
  const times = { creationTime: String(created), startTime: String(created) };
  const processed = { totalBytesProcessed: String(facts.cacheHit ? 0 : facts.bytesProcessed) };
  if (ended === undefined) return { ...times, query: { statementType: facts.statementType } };
  return {
    ...times,
    endTime: String(ended),
    ...protections(facts.sources),
    ...processed,
    query: {
      ...processed,
      totalBytesBilled: String(billed(job)),
      totalSlotMs: facts.cacheHit ? '0' : '100',
      cacheHit: facts.cacheHit,
      statementType: facts.statementType,
      ...(result?.affected !== undefined && { numDmlAffectedRows: String(result.affected) }),
      ...exportStatistics(job, counted),
    },
  };
}

/** Rounded up to a megabyte, at least ten of them; a failure is not billed (documentation: "On-demand pricing"). */
function billed({ facts, error }: Job): bigint {
  if (facts.cacheHit || error !== undefined || facts.sources.length === 0) return 0n;
  const megabytes = (facts.bytesProcessed + MEGABYTE - 1n) / MEGABYTE;
  return (megabytes < 10n ? 10n : megabytes) * MEGABYTE;
}

/** The plan of a small export is one stage that reads and writes (documentation: "Query plan and timeline"). */
function exportStatistics(
  { exported }: Job,
  counted: Settings['exportStatistics'],
): Record<string, unknown> {
  if (exported === undefined) return {};
  const rows = String(exported.rowCount);
  const stage = { id: '0', name: 'S00: Output', status: 'COMPLETE' };
  return {
    queryPlan: [{ ...stage, ...(counted !== 'none' && { recordsWritten: rows }) }],
    exportDataStatistics: {
      fileCount: String(exported.fileCount),
      ...(counted === 'rowCount' && { rowCount: rows }),
    },
  };
}

/** `JobStatistics`: of the job as a whole, also where the account sees all (documentation: "Use row-level security", job statistics). */
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
  const { request, location, statementType } = job.facts;
  return {
    id: request.id,
    project: request.project,
    location,
    kind: statementType,
    state: job.state,
    query: request.query,
    bytesBilled: job.state === 'DONE' ? Number(billed(job)) : 0,
    ...(job.error !== undefined && { error: job.error.reason }),
  };
}
