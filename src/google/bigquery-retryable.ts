import { messageOf, ProjectorError } from '../errors.ts';

/** What BigQuery's JSON errors and failed jobs hold (REST reference, "Error messages"). */
interface ApiError {
  readonly code?: number | string;
  readonly message?: string;
  readonly errors?: readonly { readonly reason?: string; readonly message?: string }[];
}

/** Reasons that BigQuery's documentation tells to try again. */
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

/** BigQuery's word for the error: `notFound`, `accessDenied`, ...; undefined for others. */
export function reasonOf(error: unknown): string | undefined {
  return (error as ApiError | undefined)?.errors?.[0]?.reason;
}

/** The HTTP status of a failed call; undefined where there was no answer. */
export function statusOf(error: unknown): number | undefined {
  const code = Number((error as ApiError | undefined)?.code);
  return Number.isInteger(code) ? code : undefined;
}

/** Whether BigQuery's documentation tells to try again after this reason. */
export function isRetryableReason(reason: string | undefined): boolean {
  return reason !== undefined && RETRYABLE_REASONS.has(reason);
}

/** Whether the same request may succeed if it is sent again. Quotas and rights are not retried. */
export function isRetryable(error: unknown): boolean {
  if (error instanceof ProjectorError) return false;
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
    if (RETRYABLE_NETWORK.has(String((at as ApiError).code))) return true;
    at = (at as { cause?: unknown }).cause;
  }
  return /socket hang up|network|fetch failed|socket connection was closed|unable to connect/i.test(
    messageOf(error),
  );
}

/** BigQuery's own sentence, without the stack of reasons that the client appends. */
export function apiMessage(error: unknown): string {
  const api = error as ApiError;
  return api.errors?.[0]?.message ?? messageOf(error);
}
