import type { JobMetadata } from '@google-cloud/bigquery';
import { ProjectorError } from '../errors.ts';
import type { Visibility } from './visibility.ts';

/** What an export wrote, and what it was not shown. */
export interface ExportResult extends Visibility {
  readonly rows: number;
}

/** The part of a Job that the client's types lack (REST reference, JobStatistics). */
interface JobProtection {
  readonly user_email?: string;
  readonly statistics?: {
    readonly rowLevelSecurityStatistics?: { readonly rowLevelSecurityApplied?: boolean };
    readonly dataMaskingStatistics?: { readonly dataMaskingApplied?: boolean };
  };
}

/** Reads what jobs.get answered of an export that is done. Throws where it does not count its rows. */
export function readExportResult(jobId: string, metadata: JobMetadata): ExportResult {
  const { user_email: account, statistics } = metadata as JobProtection;
  return {
    rows: exportedRows(metadata.statistics?.query?.exportDataStatistics?.rowCount, jobId),
    rowPolicies: statistics?.rowLevelSecurityStatistics?.rowLevelSecurityApplied === true,
    masked: statistics?.dataMaskingStatistics?.dataMaskingApplied === true,
    account,
  };
}

function exportedRows(rowCount: string | null | undefined, jobId: string): number {
  if (rowCount != null) return Number(rowCount);
  throw new ProjectorError({
    code: 'NO_EXPORT_STATISTICS',
    message: `BigQuery does not say how many rows the export job ${jobId} wrote`,
    hint: 'Run again; without that count a lost row could not be detected.',
  });
}
