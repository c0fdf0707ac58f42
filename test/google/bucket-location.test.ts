import { expect, test } from 'bun:test';
import { bucketWarnings } from '../../src/google/bucket-location.ts';

function warnings(dataset: string, bucket: string | undefined): readonly string[] {
  const source = { project: 'p', dataset: 'd', table: 't', location: dataset };
  return bucketWarnings(source, 'lab', bucket);
}

test.each([
  ['EU', 'EUROPE-WEST1'],
  ['EU', 'EU'],
  ['EU', 'EUR4'],
  ['us', 'US-CENTRAL1'],
  ['europe-west1', 'EUROPE-WEST1'],
  ['europe-west1', 'EU'],
  ['europe-west1', undefined],
])('from %s to a bucket in %s nothing is transferred, as far as the names say', (from, to) => {
  expect(warnings(from, to)).toEqual([]);
});

test.each([
  ['EU', 'US-CENTRAL1'],
  ['EU', 'US'],
  ['US', 'EUROPE-WEST1'],
  ['europe-west1', 'EUROPE-WEST2'],
  ['asia-northeast1', 'US-CENTRAL1'],
])('from %s to a bucket in %s the transfer is warned of', (from, to) => {
  expect(warnings(from, to)).toEqual([
    expect.stringContaining(`gs://lab is in ${to.toLowerCase()}, and table p.d.t in ${from}`),
  ]);
});
