import { expect, test } from 'bun:test';
import type { TableMetadata } from '@google-cloud/bigquery';
import { readSource } from '../../src/google/source.ts';

const NAME = { project: 'p', dataset: 'd', table: 't', location: 'EU' };
const SCHEMA = { fields: [{ name: 'MAX_INGESTED_AT', type: 'TIMESTAMP' }] };

/** The source as a run sees it, with `metadata` in the answer of tables.get. */
function read(metadata: TableMetadata) {
  return readSource(NAME, { schema: SCHEMA, ...metadata });
}

test('the version of a table is when it was created and last changed', () => {
  const times = { creationTime: '1712345678901', lastModifiedTime: '1712345679902' };
  expect(read({ type: 'TABLE', ...times }).version).toEqual({
    creationTime: 1712345678901,
    lastModifiedTime: 1712345679902,
    streaming: false,
    isView: false,
  });
  expect(read({ streamingBuffer: { estimatedRows: '3' } }).version.streaming).toBe(true);
});

test.each(['VIEW', 'MATERIALIZED_VIEW', 'EXTERNAL'])(
  'the times of a %s say nothing about its rows',
  (type) => {
    const source = read({ type, numBytes: '0' });
    expect([source.version.isView, source.isPruned, source.bytes]).toEqual([true, true, undefined]);
  },
);

test('the primary key that BigQuery declares is read in its order', () => {
  expect(read({ tableConstraints: { primaryKey: { columns: ['b', 'a'] } } }).primaryKey).toEqual([
    'b',
    'a',
  ]);
  expect(read({}).primaryKey).toEqual([]);
});

test.each<[string, TableMetadata, boolean]>([
  ['partitioned by it', { timePartitioning: { type: 'DAY', field: 'max_ingested_at' } }, true],
  ['clustered by it', { clustering: { fields: ['Max_Ingested_At', 'id'] } }, true],
  [
    'clustered by it after another column',
    { clustering: { fields: ['id', 'max_ingested_at'] } },
    false,
  ],
  ['partitioned by ingestion time', { timePartitioning: { type: 'DAY' } }, false],
  ['neither partitioned nor clustered', {}, false],
])('a table that is %s: whether a filter on max_ingested_at prunes it', (_, table, pruned) => {
  expect(read({ type: 'TABLE', numBytes: '100', ...table })).toMatchObject({
    isPruned: pruned,
    bytes: 100,
  });
});
