import { expect, test } from 'bun:test';
import { explainJobFailure } from '../../src/google/bigquery-advice.ts';

const SOURCE = { project: 'p', dataset: 'd', table: 'bucket_list', location: 'EU' };

/** The hint for a refusal of BigQuery's in these words. */
function adviceOn(message: string): string | undefined {
  const errors = [{ reason: 'accessDenied', message }];
  try {
    explainJobFailure(SOURCE, 'SELECT 1')(Object.assign(new Error(message), { code: 403, errors }));
  } catch (error) {
    return (error as { hint: string }).hint;
  }
  return undefined;
}

test.each([
  'Access Denied: Table p:d.bucket_list: User does not have permission to query table p:d.bucket_list',
  'Access Denied: Table p:storage.t: User does not have permission to query table p:storage.t',
])('a right that is missing on a table is not taken for one on the bucket: %s', (message) => {
  expect(adviceOn(message)).toContain('roles/bigquery.dataViewer');
});

test.each([
  "Access Denied: BigQuery BigQuery: Permission 'storage.objects.create' denied on resource",
  'Access Denied: File gs://lab/bq_to_postgres/r/0.avro: Access Denied',
  'Permission denied: a@b does not have storage.objects.list access to the Google Cloud Storage bucket.',
])('a right that is missing on the bucket is reported as that: %s', (message) => {
  expect(adviceOn(message)).toContain('roles/storage.objectUser');
});
