import { expect, test } from 'bun:test';
import type { Fault } from '../gcp/google.ts';
import { BUCKET, openLoadedWorld, openWorld, SCHEMA, TABLE } from '../scenarios/fixture.ts';
import { everything, ledger, rowsOf } from '../scenarios/inspect.ts';
import { errorOf, runWell } from '../sources/run-well.ts';

const BOTH = ['(1,one,"2024-01-01 00:00:00+00")', '(2,two,"2024-01-02 00:00:00+00")'];
const ELSEWHERE = {
  'bq-dataset': 'tokyo',
  'bq-location': 'asia-northeast1',
  'gcs-bucket': 'european',
};

async function openElsewhere() {
  const world = await openWorld();
  const { google } = world;
  await google.createDataset('tokyo', { location: 'asia-northeast1' });
  await google.createTable('tokyo', TABLE, SCHEMA);
  await google.sql(
    `INSERT INTO tokyo.rows VALUES (3, 'three', TIMESTAMP '2024-01-03 00:00:00+00')`,
  );
  google.createBucket('european', { location: 'europe-west1' });
  return world;
}

test('a bucket in another location works, with a warning of what it costs', async () => {
  await using world = await openElsewhere();
  const { warnings } = await runWell(world, ELSEWHERE);
  expect(warnings).toContainEqual(
    expect.stringMatching(
      /gs:\/\/european is in europe-west1, and table tokyo.rows in asia-northeast1: the transfer .+ is billed/,
    ),
  );
  expect(await rowsOf(world)).toEqual(['(3,three,"2024-01-03 00:00:00+00")']);
});

test('where BigQuery itself refuses the location, the run says which one helps', async () => {
  await using world = await openElsewhere();
  const before = await everything(world);
  const message = 'Cannot read and write in different locations: source: asia, destination: EU';
  const body = /EXPORT DATA/;
  world.google.fail({ kind: 'job-error', reason: 'invalid', message, body });
  const outcome = await world.run(ELSEWHERE);
  expect(outcome.exitCode).toBe(1);
  expect(errorOf(outcome)).toMatchObject({
    code: 'BUCKET_LOCATION_MISMATCH',
    message: expect.stringContaining('tokyo.rows from asia-northeast1'),
    hint: expect.stringContaining('gcloud storage buckets create gs://NAME --location=asia'),
  });
  expect(await everything(world)).toEqual(before);
});

const unanswered = (path: RegExp, status: number): Fault =>
  ({ service: 'storage', kind: 'error', path, status, times: 9 }) as const;
const PERMISSIONS = /testPermissions/;
const METADATA = /\/b\/test-bucket\?/;

test.each<[string, readonly Fault[]]>([
  ['a bucket that does not answer testIamPermissions', [unanswered(PERMISSIONS, 404)]],
  ['a bucket that refuses testIamPermissions', [unanswered(PERMISSIONS, 403)]],
  [
    'a bucket of which only the listing answers',
    [unanswered(PERMISSIONS, 501), unanswered(METADATA, 403)],
  ],
])('%s is no missing bucket', async (_what, faults) => {
  await using world = await openLoadedWorld();
  for (const fault of faults) world.google.fail(fault);
  await runWell(world);
  expect(await rowsOf(world)).toEqual(BOTH);
});

test('a bucket that keeps objects is warned of once, and not asked again', async () => {
  await using world = await openLoadedWorld();
  const { google } = world;
  google.settings.exportShards = 5;
  await google.sql(
    `INSERT INTO source.rows SELECT n, 'more', TIMESTAMP '2024-02-01 00:00:00+00' FROM UNNEST(GENERATE_ARRAY(3, 9)) AS n`,
  );
  const message = "Object 'x' is subject to bucket's retention policy and cannot be deleted";
  const retained = { status: 403, reason: 'retentionPolicyNotMet', message } as const;
  google.fail({ kind: 'error', method: 'DELETE', ...retained, times: 999 });
  const { warnings } = await runWell(world);
  expect(warnings).toEqual([expect.stringContaining(`gs://${BUCKET} keeps 5 objects`)]);
  expect(warnings[0]).toContain(message);
  expect((await ledger(world)).at(-1)).toMatchObject({ status: 'applied', cleaned: true });
  const before = google.requests.length;
  await runWell(world);
  const later = google.requests.slice(before);
  expect(later.filter(({ method }) => method === 'DELETE')).toEqual([]);
});
