import { messageOf, ProjectorError } from '../errors.ts';
import { reasonOf, statusOf } from './api-error.ts';
import { CredentialsError } from './credentials-error.ts';

/** Reasons after which BigQuery's documentation advises to try again. */
const RETRYABLE_REASONS = new Set([
  'backendError',
  'internalError',
  'jobBackendError',
  'jobInternalError',
  'jobRateLimitExceeded',
  'rateLimitExceeded',
  'tableUnavailable',
  'userRateLimitExceeded',
]);

const RETRYABLE_STATUS = new Set([408, 429, 500, 502, 503, 504]);

/** Errors of the network between here and Google, by Node's and Bun's codes. */
const RETRYABLE_NETWORK = new Set([
  'ConnectionClosed',
  'ConnectionRefused',
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ETIMEDOUT',
  'FailedToOpenSocket',
]);

/** Whether BigQuery's documentation advises to try again after this reason. */
export function isRetryableReason(reason: string | undefined): boolean {
  return reason !== undefined && RETRYABLE_REASONS.has(reason);
}

/** Whether the same request may succeed if it is sent again. Quotas and rights are not retried. */
export function isRetryable(error: unknown): boolean {
  if (error instanceof ProjectorError) return false;
  if (error instanceof CredentialsError) return isRetryable(error.origin);
  const reason = reasonOf(error);
  if (isRetryableReason(reason)) return true;
  if (reason === 'quotaExceeded' || reason === 'accessDenied') return false;
  const status = statusOf(error);
  const answered = status !== undefined || reason !== undefined;
  return answered ? RETRYABLE_STATUS.has(status ?? 0) : isNetworkError(error);
}

/** Asked only where there was no answer: a table, a column or a value can be called `network`. */
function isNetworkError(error: unknown): boolean {
  for (let at: unknown = error, depth = 0; at != null && depth < 5; depth += 1) {
    if (RETRYABLE_NETWORK.has(String((at as { code?: unknown }).code))) return true;
    at = (at as { cause?: unknown }).cause;
  }
  return /socket hang up|network|fetch failed|socket connection was closed|unable to connect/i.test(
    messageOf(error),
  );
}
