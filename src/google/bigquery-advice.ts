import { ProjectorError } from '../errors.ts';
import { accessRefused } from './access-remedies.ts';
import { apiMessage, reasonOf, statusOf } from './api-error.ts';
import { bucketOutOfReach } from './bucket-location.ts';
import { CredentialsError, noCredentials } from './credentials-error.ts';
import { type SourceName, sourcePath, sourceText } from './source-name.ts';
import { unanswered } from './unanswered.ts';

type Explain = (error: unknown) => never;

/** Explains why tables.get failed. The roles are those of the IAM page "BigQuery roles". */
export const explainTableFailure =
  (source: SourceName): Explain =>
  (error) => {
    rethrowKnown(error);
    const table = sourceText(source);
    if (statusOf(error) === 404) {
      throw new ProjectorError({
        code: 'TABLE_NOT_FOUND',
        message: `BigQuery has no table ${table}: ${apiMessage(error)}`,
        hint: `Check --bq-dataset and --bq-table against: bq ls ${[source.project, source.dataset].filter(Boolean).join(':')}`,
        cause: error,
      });
    }
    if (statusOf(error) === 403) throw tableDenied(source, error);
    throw unavailable(`BigQuery did not describe table ${table}`, error);
  };

/** Explains that there are no credentials, or none that belong to a project. */
export const explainNoProject: Explain = (error) => {
  rethrowKnown(error);
  throw noCredentials(error);
};

/** Explains why a query or an export job failed; `subject` is its SQL or its job id. */
export const explainJobFailure =
  (source: SourceName, subject: string): Explain =>
  (error) => {
    rethrowKnown(error);
    const reason = reasonOf(error);
    if (reason === 'accessDenied' || reason === 'quotaExceeded' || statusOf(error) === 403)
      throw jobDenied(source, error);
    if (/can be used for partition elimination/.test(apiMessage(error)))
      throw filterRequired(source, error);
    // Reported here where the credentials may not see the bucket's location themselves.
    if (/different locations/.test(apiMessage(error)))
      throw bucketOutOfReach(source, apiMessage(error), error);
    if (reason === 'invalidQuery' || reason === 'invalid') {
      throw new ProjectorError({
        code: 'QUERY_FAILED',
        message: `BigQuery could not read table ${sourceText(source)}: ${apiMessage(error)}`,
        hint: `Find the rows with a query on ${sourcePath(source)}, or read the table through a view that leaves them out. What failed: ${shorten(subject)}`,
        cause: error,
      });
    }
    if (statusOf(error) === 404) {
      throw new ProjectorError({
        code: 'NOT_FOUND',
        message: apiMessage(error),
        hint: `Check --bq-dataset, --bq-table and --gcs-bucket, and that the dataset is in --bq-location ${source.location}.`,
        cause: error,
      });
    }
    throw unavailable(`BigQuery could not run the job on table ${sourceText(source)}`, error);
  };

/** The failure of a job by a fault of BigQuery's own: the same statement may succeed as a new job. */
export function jobFailed(
  source: SourceName,
  jobId: string,
  failure: { readonly reason?: string; readonly message?: string },
): ProjectorError {
  return new ProjectorError({
    code: 'JOB_FAILED',
    message: `BigQuery failed the job ${jobId} on table ${sourceText(source)}: ${failure.message} (${failure.reason})`,
    hint: 'Run again; nothing was changed. If it happens again: https://status.cloud.google.com',
  });
}

/** The rows of an export cannot be checked. */
export function noRowCount(jobId: string): ProjectorError {
  return new ProjectorError({
    code: 'NO_EXPORT_STATISTICS',
    message: `BigQuery does not say how many rows the export job ${jobId} wrote`,
    hint: 'Run again; without that count a lost row could not be detected.',
  });
}

/** BigQuery has taken the job, and does not say what became of it. */
export function jobStateUnknown(jobId: string): ProjectorError {
  return new ProjectorError({
    code: 'JOB_STATE_UNKNOWN',
    message: `BigQuery says that the job ${jobId} exists, and does not find it`,
    hint: 'Run again: it passes within minutes. If it happens again: https://status.cloud.google.com',
  });
}

/** Only a query shows that a table behind a view requires a filter. */
function filterRequired(source: SourceName, cause: unknown): ProjectorError {
  return new ProjectorError({
    code: 'PARTITION_FILTER_REQUIRED',
    message: `${sourceText(source)} reads a table that requires a filter, and a run filters by max_ingested_at only: ${apiMessage(cause)}`,
    hint: 'Filter by that column in the view, or drop the requirement: ALTER TABLE ... SET OPTIONS (require_partition_filter = false).',
    cause,
  });
}

function tableDenied(source: SourceName, error: unknown): ProjectorError {
  const dataset = [source.project, source.dataset].filter(Boolean).join(':');
  return accessRefused(
    error,
    `BigQuery refuses to describe table ${sourceText(source)}`,
    `Grant roles/bigquery.dataViewer on the dataset ${dataset} to the service account.`,
  );
}

/** Jobs need rights in three places: the billing project, the dataset and the bucket. */
function jobDenied(source: SourceName, error: unknown): ProjectorError {
  const message = apiMessage(error);
  const refused = `BigQuery refuses the job on table ${sourceText(source)}`;
  if (reasonOf(error) === 'quotaExceeded') {
    return new ProjectorError({
      code: 'QUOTA_EXCEEDED',
      message: `${refused}: ${message}`,
      hint: 'Wait until the quota is renewed, or ask for more on the Quotas page of the Google Cloud console; the next run starts from the same watermark.',
      cause: error,
    });
  }
  const [, hint] = DENIED.find(([words]) => words.test(message)) ?? [
    undefined,
    `Grant roles/bigquery.jobUser on the project of the credentials, and roles/bigquery.dataViewer on the dataset ${source.dataset}, to the service account.`,
  ];
  return accessRefused(error, refused, hint);
}

/** BigQuery's words for a missing right, and what to do. */
const DENIED: readonly (readonly [words: RegExp, next: string])[] = [
  [
    /policy tag/i,
    'Grant roles/datacatalog.categoryFineGrainedReader on that policy tag to the service account, or read the table through a view without the column.',
  ],
  [
    /Drive credentials/i,
    'A run has no access to Google Drive: copy the sheet into a table by a scheduled query, and read that.',
  ],
  [
    /storage\.(?:objects|buckets)\.|gs:\/\/|Cloud Storage bucket/i,
    'Grant roles/storage.objectUser on the bucket to the service account.',
  ],
  [
    /bigquery\.jobs/i,
    'Grant roles/bigquery.jobUser on the project of the credentials to the service account.',
  ],
];

function unavailable(what: string, cause: unknown): ProjectorError {
  return unanswered('BIGQUERY_FAILED', `${what}: ${apiMessage(cause)}`, cause);
}

/** Throws what was explained before, an abort, and what is the fault of the credentials. */
function rethrowKnown(error: unknown): void {
  if (error instanceof ProjectorError || isAbort(error)) throw error;
  if (error instanceof CredentialsError || statusOf(error) === 401) throw noCredentials(error);
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

function shorten(text: string): string {
  return text.length <= 300 ? text : `${text.slice(0, 300)}...`;
}
