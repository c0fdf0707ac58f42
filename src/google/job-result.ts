import type { JobMetadata } from '@google-cloud/bigquery';
import { type JobCost, readCost } from './job-cost.ts';
import type { Visibility } from './visibility.ts';

/** What a job that succeeded says about itself. */
export interface JobResult extends Visibility {
  readonly cost: JobCost;
  /** BigQuery answered from its cache. */
  readonly cacheHit: boolean;
  /**
   * When it began, in milliseconds since the epoch: it read its tables as they were then
   * (BigQuery, "Query jobs", snapshot isolation). For a COUNT over the same snapshot.
   */
  readonly startTime: number;
}

/** What an export wrote. */
export interface ExportResult extends JobResult {
  /** undefined where no statistic of the job counts them. */
  readonly rows: number | undefined;
}

/** The part of a Job that the client's types lack (REST reference, JobStatistics). */
interface JobProtection {
  readonly user_email?: string;
  readonly statistics?: {
    readonly rowLevelSecurityStatistics?: { readonly rowLevelSecurityApplied?: boolean };
    readonly dataMaskingStatistics?: { readonly dataMaskingApplied?: boolean };
  };
}

/** Reads what jobs.get answered of a job that succeeded. */
export function readJobResult(metadata: JobMetadata): JobResult {
  const { user_email: account, statistics } = metadata as JobProtection;
  return {
    rowPolicies: statistics?.rowLevelSecurityStatistics?.rowLevelSecurityApplied === true,
    masked: statistics?.dataMaskingStatistics?.dataMaskingApplied === true,
    account,
    cost: readCost(metadata),
    cacheHit: metadata.statistics?.query?.cacheHit === true,
    startTime: Number(metadata.statistics?.startTime),
  };
}

/**
 * The rows that an export wrote. `exportDataStatistics.rowCount` is alpha by the discovery document;
 * without it, the stage of the query's plan that no other stage reads from has written them.
 */
export function exportedRows({ statistics }: JobMetadata): number | undefined {
  const { exportDataStatistics, queryPlan = [] } = statistics?.query ?? {};
  if (exportDataStatistics?.rowCount != null) return Number(exportDataStatistics.rowCount);
  const read = new Set(queryPlan.flatMap(({ inputStages }) => inputStages ?? []));
  const [last, ...others] = queryPlan.filter(({ id }) => id !== undefined && !read.has(id));
  if (last?.recordsWritten == null || others.length > 0) return undefined;
  return Number(last.recordsWritten);
}
