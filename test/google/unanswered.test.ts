import { expect, test } from 'bun:test';
import { explainJobFailure } from '../../src/google/bigquery-advice.ts';
import { createStorage, ObjectStore } from '../../src/google/storage.ts';
import { describeServerError, isRetryable } from '../../src/postgres/server-errors.ts';

const FOREVER = new AbortController().signal;
const PATIENCE = { answerMs: 1000, patienceMs: 20, firstDelayMs: 5 };

/** How a call fails where nothing listens. */
async function unansweredListing(): Promise<unknown> {
  const before = process.env['STORAGE_EMULATOR_HOST'];
  process.env['STORAGE_EMULATOR_HOST'] = 'http://127.0.0.1:1';
  const store = new ObjectStore(await createStorage(), 'lab', PATIENCE);
  const failure = await store.list('', FOREVER).catch((error: unknown) => error);
  if (before === undefined) delete process.env['STORAGE_EMULATOR_HOST'];
  else process.env['STORAGE_EMULATOR_HOST'] = before;
  return failure;
}

test('a lost connection to Google is never taken for one to PostgreSQL', async () => {
  const failure = await unansweredListing();
  expect(failure).toMatchObject({ code: 'STORAGE_FAILED' });
  expect(isRetryable(failure)).toBe(false);
  expect(describeServerError(failure)).toBe(failure);
  const source = { project: 'p', dataset: 'd', table: 't', location: 'EU' };
  const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
  expect(isRetryable(reset)).toBe(true);
  expect(() => explainJobFailure(source, 'job')(reset)).toThrow('BigQuery could not run the job');
  const explained = await Promise.reject(reset)
    .catch(explainJobFailure(source, 'job'))
    .catch((error: unknown) => error);
  expect(isRetryable(explained)).toBe(false);
});
