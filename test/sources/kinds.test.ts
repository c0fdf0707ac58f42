import { afterAll, beforeAll, expect, test } from 'bun:test';
import type { TableOptions } from '../gcp/google.ts';
import { DATASET, openWorld, SCHEMA, type World } from '../scenarios/fixture.ts';
import { rowsOf } from '../scenarios/inspect.ts';
import { runWell } from './run-well.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const ORIGIN = {
  baseTableReference: { projectId: 'test-project', datasetId: DATASET, tableId: 'rows' },
};

/** What tables.get tells of each, beside what it tells of a table (REST reference, Table). */
const KINDS: readonly (readonly [string, TableOptions])[] = [
  ['clone', { cloneDefinition: { ...ORIGIN, cloneTime: '2024-01-01T00:00:00Z' } }],
  [
    'snapshot',
    {
      type: 'SNAPSHOT',
      snapshotDefinition: { ...ORIGIN, snapshotTime: '2024-01-01T00:00:00Z' },
    },
  ],
  [
    'external table',
    {
      type: 'EXTERNAL',
      externalDataConfiguration: { sourceFormat: 'PARQUET', sourceUris: ['gs://lake/*.parquet'] },
    },
  ],
  ['view', { query: 'SELECT * FROM source.base_of_view' }],
  [
    'materialized view',
    { type: 'MATERIALIZED_VIEW', query: 'SELECT * FROM source.base_of_materialized_view' },
  ],
];

test.each(KINDS)('%s: loaded, and its new rows after that', async (kind, options) => {
  const { google } = world;
  const table = kind.replaceAll(' ', '_');
  const base = options.query === undefined ? table : `base_of_${table}`;
  if (base !== table) await google.createTable(DATASET, base, SCHEMA);
  await google.createTable(DATASET, table, SCHEMA, options);
  const flags = { 'bq-table': table, 'pg-table': table };
  await google.sql(`INSERT INTO ${DATASET}.${base} VALUES
    (1, 'one', TIMESTAMP '2024-01-01 00:00:00+00'), (2, 'two', NULL)`);
  expect((await runWell(world, flags)).summary).toMatchObject({ mode: 'full', rows: 2 });
  // Of a snapshot: a newer one under the same name.
  await google.sql(
    `INSERT INTO ${DATASET}.${base} VALUES (3, 'three', TIMESTAMP '2024-01-02 00:00:00+00')`,
  );
  expect((await runWell(world, flags)).summary).toMatchObject({ mode: 'incremental', rows: 1 });
  expect(await rowsOf(world, table)).toEqual([
    '(1,one,"2024-01-01 00:00:00+00")',
    '(2,two,)',
    '(3,three,"2024-01-02 00:00:00+00")',
  ]);
});
