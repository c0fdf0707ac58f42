import type { Job } from '@google-cloud/bigquery';
import { RETRY_LIMITS } from '../retry.ts';
import { reasonOf } from './api-error.ts';
import { jobFailed } from './bigquery-advice.ts';
import { isRetryable, isRetryableReason } from './retryable.ts';
import type { SourceName } from './source-name.ts';
import { withDeadline } from './with-deadline.ts';

/** How long one long poll asks BigQuery to hold its answer, in milliseconds. */
const POLL_MS = 20_000;

/** A row by its columns, as the client reads it; whole numbers are objects that keep their text. */
export type Row = Readonly<Record<string, { readonly value: string } | string | null>>;

/**
 * Resolves when the job has succeeded, with its first row. Rejects with what failed it: JOB_FAILED
 * where BigQuery itself did, and the same statement under another job id may succeed.
 */
export async function waitForJob(
  job: Job,
  source: SourceName,
  signal: AbortSignal,
): Promise<Row | undefined> {
  // The server holds each answer until the job is done or POLL_MS are over, so nothing sleeps here.
  for (;;) {
    const options = { maxResults: 1, timeoutMs: POLL_MS, autoPaginate: false, wrapIntegers: true };
    try {
      const [rows] = await withDeadline(
        job.getQueryResults(options),
        signal,
        RETRY_LIMITS.answerMs,
      );
      return rows[0];
    } catch (error) {
      if (reasonOf(error) === undefined && /did not complete before/.test(String(error))) continue;
      if (isRetryable(error)) await requireRunning(job, source);
      throw error;
    }
  }
}

/** A failed request is not a failed job, and only the job itself shows which of them it was. */
async function requireRunning(job: Job, source: SourceName): Promise<void> {
  const [{ status }] = await job.getMetadata();
  const failure = status?.errorResult as { reason?: string; message?: string } | undefined;
  if (status?.state !== 'DONE' || failure === undefined) return;
  if (isRetryableReason(failure.reason)) throw jobFailed(source, String(job.id), failure);
}
