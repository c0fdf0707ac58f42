import { expect, test } from 'bun:test';
import { readSource } from '../../src/google/source.ts';
import { costWarnings } from '../../src/plan/source-warnings.ts';

const NAME = { project: undefined, dataset: 'lake', table: 'events', location: 'US' };
const SCHEMA = { fields: [{ name: 'max_ingested_at', type: 'TIMESTAMP' }] };
const source = (more: object) =>
  readSource(NAME, { type: 'TABLE', schema: SCHEMA, numBytes: String(2 ** 37), ...more });

test('a large source that no filter prunes is warned of with what each run costs', () => {
  expect(costWarnings(source({}))).toEqual([
    'table lake.events is neither partitioned nor clustered by max_ingested_at: each run with news reads all of its 137 GB (about 0.78 $ on demand). To cluster it: bq update --clustering_fields=max_ingested_at lake.events',
  ]);
});

test.each([
  ['clustered', { clustering: { fields: ['max_ingested_at'] } }],
  ['partitioned', { timePartitioning: { type: 'DAY', field: 'max_ingested_at' } }],
  ['small', { numBytes: '999999999' }],
])('a source that is %s is not', (_kind, more) => {
  expect(costWarnings(source(more))).toEqual([]);
});
