import { expect, test } from 'bun:test';
import { requireReachableBucket } from '../../src/google/bucket-location.ts';

function check(dataset: string, bucket: string | undefined): string | undefined {
  const source = { project: 'p', dataset: 'd', table: 't', location: dataset };
  try {
    requireReachableBucket(source, 'lab', bucket);
    return undefined;
  } catch (error) {
    return (error as { code: string }).code;
  }
}

test.each([
  ['EU', 'EUROPE-WEST1'],
  ['EU', 'EU'],
  ['EU', 'EUR4'],
  ['US', 'EUROPE-WEST1'],
  ['us', 'US-CENTRAL1'],
  ['europe-west1', 'EUROPE-WEST1'],
  ['europe-west1', 'EU'],
  ['europe-west1', undefined],
])(
  'from %s to a bucket in %s BigQuery exports, or says itself that it does not',
  (dataset, bucket) => {
    expect(check(dataset, bucket)).toBeUndefined();
  },
);

test.each([
  ['EU', 'US-CENTRAL1'],
  ['EU', 'US'],
  ['europe-west1', 'EUROPE-WEST2'],
  ['asia-northeast1', 'US-CENTRAL1'],
])('from %s to a bucket in %s is refused', (dataset, bucket) => {
  expect(check(dataset, bucket)).toBe('BUCKET_LOCATION_MISMATCH');
});
