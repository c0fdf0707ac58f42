import { expect, test } from 'bun:test';
import { isRetryable } from '../../src/google/retryable.ts';

/** An answer of Google's, as its clients throw it. */
function answer(code: number, reason: string | undefined, message: string): Error {
  const errors = reason === undefined ? [] : [{ reason, message }];
  return Object.assign(new Error(message), { code, errors });
}

test.each([
  answer(503, 'backendError', 'Error encountered during execution.'),
  answer(429, undefined, 'slow down'),
  answer(403, 'rateLimitExceeded', 'Exceeded rate limits'),
  Object.assign(new Error('read'), { code: 'ECONNRESET' }),
  new Error('Could not refresh access token', {
    cause: Object.assign(new Error('getaddrinfo'), { code: 'EAI_AGAIN' }),
  }),
  new Error('socket hang up'),
  new Error('network timeout at: https://bigquery.googleapis.com'),
])('tried again: %s', (error) => {
  expect(isRetryable(error)).toBe(true);
});

test.each([
  answer(404, 'notFound', 'Not found: Table p:d.network_events'),
  answer(400, 'invalidQuery', 'column `network`: "x" is not INT64'),
  answer(404, undefined, 'The specified bucket network-data does not exist.'),
  answer(403, 'accessDenied', 'Access Denied: Dataset p:fetch failed'),
  answer(403, 'quotaExceeded', 'Quota exceeded'),
  Object.assign(new Error('a failed job'), {
    errors: [{ reason: 'invalidQuery', message: 'column `network`' }],
    message: 'column `network`',
  }),
  new Error('anything else'),
  undefined,
])('not tried again: %s', (error) => {
  expect(isRetryable(error)).toBe(false);
});
