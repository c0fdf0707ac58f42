import { afterAll, beforeAll, expect, test } from 'bun:test';
import { BigQuery } from '@google-cloud/bigquery';
import { type Google, startGoogle } from './google.ts';

let google: Google;
let bigquery: BigQuery;
let tables = 0;

beforeAll(async () => {
  google = await startGoogle();
  Object.assign(process.env, google.env);
  bigquery = new BigQuery();
  await google.createDataset('d');
  await google.createDataset('elsewhere', { location: 'europe-west1' });
});

afterAll(async () => {
  await google[Symbol.asyncDispose]();
  for (const name of Object.keys(google.env)) delete process.env[name];
});

test('the client finds project and token by the metadata server alone', async () => {
  expect(await bigquery.getProjectId()).toBe('test-project');
  const [rows] = await bigquery.query('SELECT 1 AS one, "x" AS letter');
  expect(rows).toEqual([{ one: 1, letter: 'x' }]);
  const query = google.requests.find(({ path }) => path.startsWith('/projects/test-project/queries'));
  expect(query?.headers.authorization).toStartWith('Bearer test-token-');
});
