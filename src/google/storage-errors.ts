import { hasCode, ProjectorError } from '../errors.ts';
import { accessRefused, accountIn } from './access-remedies.ts';
import { apiMessage, statusOf } from './api-error.ts';
import { CredentialsError, noCredentials } from './credentials-error.ts';
import { unanswered } from './unanswered.ts';

/** A body that is not the one asked for: tried again, like a connection that was cut. */
export function brokenBody(what: string): Error {
  return Object.assign(new Error(what), { code: 'ECONNRESET' });
}

/** Where a call failed, in the user's words. */
export interface StorageCall {
  readonly bucket: string;
  /** The permission that the call needs (Cloud Storage's page "IAM permissions for JSON methods"). */
  readonly permission: string;
  /** The object that was read at a known generation; undefined for calls on the bucket. */
  readonly object?: string;
}

/** The error for the user, of a call that failed for good. */
export function explainStorageFailure(error: unknown, call: StorageCall): unknown {
  if (error instanceof ProjectorError || (error as Error).name === 'AbortError') return error;
  const status = statusOf(error);
  if (error instanceof CredentialsError || status === 401) return noCredentials(error);
  if (call.object !== undefined && (status === 404 || status === 412 || status === 416)) {
    return objectChanged(`gs://${call.bucket}/${call.object}`, error);
  }
  if (status === 404) return bucketMissing(call, error);
  if (status === 403) return callRefused(call, error);
  return unanswered('STORAGE_FAILED', unansweredText(error, call), error);
}

function objectChanged(uri: string, cause: unknown): ProjectorError {
  return new ProjectorError({
    code: 'OBJECT_CHANGED',
    message: `${uri} was deleted or overwritten while it was being loaded`,
    hint: 'Run the same command again: it exports anew. See that no lifecycle rule and no other program deletes objects under bq_to_postgres/.',
    cause,
  });
}

function bucketMissing({ bucket }: StorageCall, cause: unknown): ProjectorError {
  return new ProjectorError({
    code: 'BUCKET_NOT_FOUND',
    message: `there is no bucket gs://${bucket}`,
    hint: `Check --gcs-bucket, or create it in the dataset's location: gcloud storage buckets create gs://${bucket} --location=LOCATION`,
    cause,
  });
}

function callRefused({ bucket, permission }: StorageCall, cause: unknown): ProjectorError {
  const refused = `Cloud Storage refuses ${permission} on the bucket gs://${bucket}`;
  return accessRefused(cause, refused, grantHint(bucket, accountIn(apiMessage(cause))));
}

/** The error for the user, where the credentials lack permissions on the bucket. */
export function lackingPermissions(bucket: string, permissions: readonly string[]): ProjectorError {
  return new ProjectorError({
    code: 'ACCESS_DENIED',
    message: `the credentials lack ${permissions.join(', ')} on the bucket gs://${bucket}`,
    hint: grantHint(bucket, undefined),
  });
}

/** The role holds objects.create, get, list and delete: all that a run needs. */
function grantHint(bucket: string, account = 'SERVICE_ACCOUNT_EMAIL'): string {
  const isUser = account.includes('@') && !account.endsWith('gserviceaccount.com');
  return `Grant the role: gcloud storage buckets add-iam-policy-binding gs://${bucket} --member=${isUser ? 'user' : 'serviceAccount'}:${account} --role=roles/storage.objectUser`;
}

/** Whether a deletion was refused as the bucket keeps its objects. */
export function isRetained(error: unknown): error is ProjectorError {
  return hasCode(error, 'OBJECTS_RETAINED');
}

/** Warns of objects that stay, with Cloud Storage's reason for the first of them. */
export function retainedText(bucket: string, count: number, first: ProjectorError): string {
  return `gs://${bucket} keeps ${count} objects of an export that is no longer needed: ${apiMessage(first.cause)} (deleting them is not tried again; a lifecycle rule on bq_to_postgres/ does it when it may)`;
}

/** Describes a call that failed, for now or for good. */
export function unansweredText(error: unknown, { bucket, object }: StorageCall): string {
  const where = object === undefined ? '' : `/${object}`;
  return `Cloud Storage did not answer for gs://${bucket}${where}: ${apiMessage(error)}`;
}
