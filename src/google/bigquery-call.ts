import type { GoogleAuth } from 'google-auth-library';
import type { Report } from '../report/report.ts';
import { RETRY_LIMITS, retry } from '../retry.ts';
import { apiMessage } from './api-error.ts';
import { forgetToken } from './credentials.ts';
import { isRetryable } from './retryable.ts';
import { withDeadline } from './with-deadline.ts';

/** What every request to BigQuery needs. */
export interface BigQueryContext {
  readonly credentials: () => Promise<GoogleAuth>;
  /** Ends every wait. */
  readonly signal: AbortSignal;
  readonly report: Pick<Report, 'warn'>;
  /** Put on every job, for the bill (BigQuery, "Adding labels"). */
  readonly labels?: Readonly<Record<string, string>>;
}

/** How one request differs from the others. */
export interface CallOptions {
  /** Instead of the context's signal. */
  readonly until?: AbortSignal;
  /** For one try, in milliseconds; undefined where it polls by itself for as long as a job takes. */
  readonly limitMs?: number | undefined;
  /** What passes by itself beside what always does: not worth a warning. */
  readonly mayPass?: (error: unknown) => boolean;
}

/** Sends a request until it is answered: with backoff, and after a 401 with a new token. */
export async function callBigQuery<T>(
  { credentials, signal, report }: BigQueryContext,
  action: () => Promise<T>,
  options: CallOptions = {},
): Promise<T> {
  const { until, limitMs, mayPass } = { until: signal, limitMs: RETRY_LIMITS.answerMs, ...options };
  return await retry(() => withDeadline(action(), until, limitMs), {
    signal: until,
    isRetryable: (error) => isRetryable(error) || mayPass?.(error) === true,
    onUnauthorized: async () => forgetToken(await credentials()),
    onWait: (error) => {
      if (isRetryable(error))
        report.warn(`BigQuery did not answer: ${apiMessage(error)}; trying again`);
    },
  });
}
