import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { TableOptions } from '../gcp/google.ts';
import { DATASET, openWorld, SCHEMA, type World } from '../scenarios/fixture.ts';
import { everything, exportJobs, rowsOf } from '../scenarios/inspect.ts';
import { errorOf, runWell } from './run-well.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const DATED = [...SCHEMA, { name: 'day', type: 'DATE' }];
const DAY = `DATE '2024-01-01'`;
const at = (day: number) => `TIMESTAMP '2024-01-0${day} 00:00:00+00'`;
const flagsOf = (table: string) => ({ 'bq-table': table, 'pg-table': table });
const by = (field?: string): TableOptions => ({
  requirePartitionFilter: true,
  timePartitioning: { type: 'DAY', ...(field !== undefined && { field }) },
});
const hive = (fields: readonly string[]): TableOptions => ({
  type: 'EXTERNAL',
  externalDataConfiguration: {
    sourceFormat: 'PARQUET',
    sourceUris: ['gs://lake/*'],
    hivePartitioningOptions: { mode: 'CUSTOM', fields, requirePartitionFilter: true },
  },
});

describe('where a filter on max_ingested_at is required', () => {
  const TABLES: readonly (readonly [string, TableOptions, TableOptions | undefined])[] = [
    ['a table', by('max_ingested_at'), undefined],
    ['an external table', hive(['max_ingested_at']), undefined],
    ['a view', by('max_ingested_at'), { query: 'SELECT * FROM source.base_of_a_view' }],
    [
      'a materialized view',
      by('max_ingested_at'),
      { type: 'MATERIALIZED_VIEW', query: 'SELECT * FROM source.base_of_a_materialized_view' },
    ],
    [
      'a view that filters by the column',
      by('day'),
      {
        query: `SELECT * FROM source.base_of_a_view_that_filters_by_the_column WHERE day >= ${DAY} OR day IS NULL`,
      },
    ],
  ];
  test.each(TABLES)('%s is loaded in full and by increments', async (what, options, view) => {
    const { google } = world;
    const table = what.replaceAll(' ', '_');
    const base = view === undefined ? table : `base_of_${table}`;
    await google.createTable(DATASET, base, DATED, options);
    if (view !== undefined) await google.createTable(DATASET, table, DATED, view);
    const insert = (rows: string) => google.sql(`INSERT INTO ${DATASET}.${base} VALUES ${rows}`);
    await insert(`(1, 'one', ${at(1)}, ${DAY}), (2, 'two', NULL, NULL)`);
    expect((await runWell(world, flagsOf(table))).summary).toMatchObject({ rows: 2 });
    await insert(`(3, 'three', ${at(2)}, NULL)`);
    const { summary } = await runWell(world, flagsOf(table));
    expect(summary).toMatchObject({ mode: 'incremental', rows: 1 });
    expect(await rowsOf(world, table)).toHaveLength(3);
  });

  test('the query that finds a value again has the filter, too', async () => {
    const { google, database } = world;
    await google.createTable(DATASET, 'misfit', DATED, by('max_ingested_at'));
    await google.sql(`INSERT INTO ${DATASET}.misfit VALUES (70000, 'x', NULL, NULL)`);
    await database.sql`CREATE TABLE misfit (id smallint)`;
    const { hint } = errorOf(await world.run(flagsOf('misfit')));
    const query = /Find the rows in BigQuery: (.*);$/s.exec(String(hint))?.[1] ?? '';
    expect(await google.sql(query)).toHaveLength(1);
  });
});

describe('a required filter on anything else is refused before any job:', () => {
  const REFUSED: readonly (readonly [string, TableOptions, string])[] = [
    ['another column', by('day'), 'day'],
    ['the time of ingestion', by(), '_PARTITIONTIME'],
    [
      'a range of numbers',
      { requirePartitionFilter: true, rangePartitioning: { field: 'id', range: {} } },
      'id',
    ],
    ['the keys of an external table', hive(['day', 'region']), 'day or region'],
  ];
  test.each(REFUSED)('%s', async (what, options, column) => {
    const { google } = world;
    const table = what.replaceAll(' ', '_');
    await google.createTable(DATASET, table, DATED, options);
    const before = [await everything(world), google.jobs().length];
    const { exitCode, lines, text } = await world.run(flagsOf(table));
    expect(exitCode).toBe(1);
    const error = errorOf({ exitCode, lines, text });
    expect(error).toMatchObject({ code: 'PARTITION_FILTER_REQUIRED' });
    expect(error['message']).toContain(`partition column ${column},`);
    expect(error['hint']).toContain(options.type === 'EXTERNAL' ? 'anew' : 'ALTER TABLE');
    expect([await everything(world), google.jobs().length]).toEqual(before);
  });

  test('of a table behind a view, before any export', async () => {
    const { google } = world;
    await google.createTable(DATASET, 'behind', DATED, by('day'));
    await google.createTable(DATASET, 'before', DATED, { query: 'SELECT * FROM source.behind' });
    const before = [await everything(world), exportJobs(world).length];
    const error = errorOf(await world.run(flagsOf('before')));
    expect(error).toMatchObject({ code: 'PARTITION_FILTER_REQUIRED' });
    expect(error['message']).toContain("source.behind' without a filter over column(s) 'day'");
    expect(error['hint']).toContain('Filter by that column in the view');
    expect([await everything(world), exportJobs(world).length]).toEqual(before);
  });
});
