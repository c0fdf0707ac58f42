import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test';
import { BigQuery } from '@google-cloud/bigquery';
import { type Clients, refusal, startClients } from './clients.ts';

let clients: Clients;
const bytes = Buffer.alloc(1_000_000, 'abcdefghij');

beforeAll(async () => {
  clients = await startClients();
  clients.google.createBucket('b');
});
afterAll(() => clients[Symbol.asyncDispose]());
beforeEach(() => {
  clients.google.heal();
  clients.google.writeObject('b', 'o', bytes);
});

function object(): string {
  const { STORAGE_EMULATOR_HOST: origin } = clients.google.env;
  return `${origin}/b/b/o/o`;
}
const requestsFor = (path: string) =>
  clients.google.requests.filter((request) => request.path.includes(path)).length;

/** Reads a body until it ends or fails; how many bytes came, and whether it was whole. */
async function readBody(response: Response): Promise<{ bytes: number; whole: boolean }> {
  let count = 0;
  try {
    for await (const chunk of response.body ?? []) count += chunk.length;
    return { bytes: count, whole: true };
  } catch {
    return { bytes: count, whole: false };
  }
}

test('an error hits the nth match, as often as it is asked for', async () => {
  clients.google.fail({ kind: 'error', service: 'storage', status: 503, nth: 2, times: 2 });
  const statuses: number[] = [];
  for (let at = 0; at < 5; at += 1) statuses.push((await fetch(object())).status);
  expect(statuses).toEqual([200, 503, 503, 200, 200]);
});

test('an error has the reason and the headers that the test wants', async () => {
  clients.google.fail({
    kind: 'error',
    status: 429,
    message: 'slow down',
    headers: { 'retry-after': '7' },
  });
  const response = await fetch(object());
  expect(response.headers.get('retry-after')).toBe('7');
  expect(await response.json()).toMatchObject({
    error: { code: 429, message: 'slow down', errors: [{ reason: 'rateLimitExceeded' }] },
  });
});

test('the BigQuery client retries 503 by itself, and not a quota', async () => {
  clients.google.fail({ kind: 'error', service: 'bigquery', status: 503, times: 1 });
  expect((await clients.bigquery.query('SELECT 1 AS one'))[0]).toEqual([{ one: 1 }]);
  clients.google.fail({ kind: 'error', service: 'bigquery', status: 403, reason: 'quotaExceeded' });
  expect(await refusal(clients.bigquery.query('SELECT 1'))).toMatchObject({
    code: 403,
    reason: 'quotaExceeded',
  });
});

test('a job fails with the reason that the test wants', async () => {
  clients.google.fail({ kind: 'job-error', reason: 'backendError' });
  const [job] = await clients.bigquery.createQueryJob('SELECT 1');
  expect(await refusal(job.promise())).toMatchObject({ reason: 'backendError' });
  const [metadata] = await job.getMetadata();
  expect(metadata.status).toMatchObject({ state: 'DONE', errorResult: { reason: 'backendError' } });
});

test('a dropped connection leaves nothing done, a lost answer leaves the job', async () => {
  const { google } = clients;
  const retryOptions = { autoRetry: false };
  const bigquery = new BigQuery({ projectId: google.project, retryOptions });
  const job = { query: 'SELECT 1', location: 'US' };
  google.fail({ kind: 'drop', method: 'POST', path: /\/jobs/ });
  await refusal(bigquery.createQueryJob({ ...job, jobId: 'dropped' }));
  google.fail({ kind: 'drop-answer', method: 'POST', path: /\/jobs/ });
  await refusal(bigquery.createQueryJob({ ...job, jobId: 'unanswered' }));
  expect(google.jobs().map(({ id }) => id)).not.toContain('dropped');
  expect(google.jobs().map(({ id }) => id)).toContain('unanswered');
});

test('the client inserts again after a lost answer, and learns that the job exists', async () => {
  clients.google.fail({ kind: 'drop-answer', method: 'POST', path: /\/jobs/ });
  const job = { query: 'SELECT 1', location: 'US', jobId: 'lost' };
  expect(await refusal(clients.bigquery.createQueryJob(job))).toMatchObject({ code: 409 });
});

test('a cut body ends early, and is no whole answer', async () => {
  clients.google.fail({ kind: 'cut', path: /alt=media/, afterBytes: 300_000 });
  const body = await readBody(await fetch(`${object()}?alt=media`));
  // Of what arrived, fetch may keep the last part to itself once the connection is gone.
  expect(body.whole).toBe(false);
  expect(body.bytes).toBeLessThanOrEqual(300_000);
});

test('a stalled body stops, and the connection stays open', async () => {
  clients.google.fail({ kind: 'stall', path: /alt=media/, afterBytes: 1000 });
  const stop = new AbortController();
  const response = await fetch(`${object()}?alt=media`, { signal: stop.signal });
  const reader = response.body?.getReader();
  let count = 0;
  while (count < 1000) count += (await reader?.read())?.value?.length ?? 0;
  const more = await Promise.race([reader?.read(), Bun.sleep(50).then(() => 'nothing')]);
  expect([count, more]).toEqual([1000, 'nothing'] as never);
  stop.abort();
});

test('a flipped bit is found by the client in a whole download, and not in a range', async () => {
  const file = clients.storage.bucket('b').file('o');
  clients.google.fail({ kind: 'flip', path: /alt=media/, atByte: 5, times: 2 });
  expect(await refusal(file.download())).toMatchObject({ code: 'CONTENT_DOWNLOAD_MISMATCH' });
  const [part] = await file.download({ start: 0, end: 9 });
  expect(part.toString()).toBe('abcdegghij');
});

test('a fault can be chosen by the body of the request', async () => {
  clients.google.fail({ kind: 'error', status: 400, reason: 'invalidQuery', body: /only this/ });
  expect((await clients.bigquery.query('SELECT 1 AS one'))[0]).toEqual([{ one: 1 }]);
  expect(await refusal(clients.bigquery.query("SELECT 'only this'"))).toMatchObject({
    reason: 'invalidQuery',
  });
});

test('the metadata server can fail too', async () => {
  const before = requestsFor('computeMetadata');
  clients.google.fail({ kind: 'error', service: 'metadata', status: 500 });
  const { GCE_METADATA_HOST: host } = clients.google.env;
  const url = `http://${host}/computeMetadata/v1/project/project-id`;
  const headers = { 'metadata-flavor': 'Google' };
  expect((await fetch(url, { headers })).status).toBe(500);
  expect(await (await fetch(url, { headers })).text()).toBe('test-project');
  expect((await fetch(url)).status).toBe(403);
  expect(requestsFor('computeMetadata')).toBe(before + 3);
});
