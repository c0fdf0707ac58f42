import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { finishStaging } from '../../src/swap/build/finish-staging.ts';
import { DATASET, type World } from '../scenarios/fixture.ts';
import { openVectorWorld } from '../scenarios/vector-world.ts';
import { dependentsOf } from './read-dependents.ts';
import { fillStaging } from './swap-fixture.ts';

setDefaultTimeout(180_000);

let world: World;
beforeAll(async () => {
  world = await openVectorWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const INDEXES = `
  CREATE INDEX cosine ON t USING hnsw (v ext.vector_cosine_ops) WITH (m = 8, ef_construction = 40);
  CREATE INDEX l2 ON t USING ivfflat (v ext.vector_l2_ops) WITH (lists = 4);
  CREATE INDEX half ON t USING hnsw ((v::ext.halfvec(3)) ext.halfvec_ip_ops) WHERE id > 10;
  CREATE INDEX bits ON t USING hnsw ((ext.binary_quantize(v)::bit(3)) ext.bit_hamming_ops);
  CREATE INDEX sparse ON t USING hnsw (s ext.sparsevec_l1_ops);
  CREATE INDEX by_value ON t (h);`;

const rowsOf = (rows: Iterable<Readonly<Record<string, unknown>>>) =>
  Array.from(rows, (row) => ({ ...row }));

async function read(sql: string): Promise<readonly unknown[]> {
  return rowsOf(await world.database.sql.unsafe(sql));
}

/** Of the table and its partitions: indexes that are valid, storage, options. */
const SHAPE = `
  SELECT c.relname AS table, pg_get_indexdef(i.indexrelid) AS what FROM pg_index i
    JOIN pg_class c ON c.oid = i.indrelid WHERE c.relname ~ '^t(_|$)' AND i.indisvalid AND i.indisready
  UNION ALL
  SELECT c.relname, concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod), a.attstorage,
    a.attstattarget, a.attoptions, c.reloptions) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relname ~ '^t(_|$)' AND c.relkind IN ('r', 'p') AND a.attnum > 0
  ORDER BY 1, 2`;

/** 300 rows whose vectors turn round the third axis, with the newest at `second`. */
const rows = (second: number) => `
  SELECT n, [cos(n), sin(n), ${second}]::DOUBLE[], [n % 7 - 1, 0, ${second}]::BIGINT[], [n, 0, 1]::DOUBLE[],
    '2024-01-01 00:00:0${second}+00'::TIMESTAMPTZ FROM range(300) AS r(n)`;

test.each([
  ['a table', ''],
  ['a partitioned table', 'PARTITION BY RANGE (id)'],
])(
  'every index of pgvector on %s survives a full load and an upsert, and finds the new rows',
  async (_, partitioned) => {
    const { google, database } = world;
    await google.createTable(DATASET, 't', [
      { name: 'id', type: 'INT64' },
      { name: 'v', type: 'FLOAT64', mode: 'REPEATED' },
      { name: 'h', type: 'INT64', mode: 'REPEATED' },
      { name: 's', type: 'FLOAT64', mode: 'REPEATED' },
      { name: 'max_ingested_at', type: 'TIMESTAMP' },
    ]);
    const parts = `CREATE TABLE t_low PARTITION OF t FOR VALUES FROM (MINVALUE) TO (150);
      CREATE TABLE t_high PARTITION OF t FOR VALUES FROM (150) TO (MAXVALUE);`;
    await database.sql.unsafe(`CREATE TABLE t (id bigint PRIMARY KEY, v ext.vector(3),
      h ext.halfvec(3), s ext.sparsevec(3), max_ingested_at timestamptz) ${partitioned};
      ALTER TABLE t ALTER COLUMN v SET STORAGE PLAIN, ALTER COLUMN h SET STORAGE MAIN;
      ${partitioned === '' ? '' : parts} ${INDEXES}
      INSERT INTO t VALUES (1, '[1,2,3]', '[1,2,3]', '{1:1}/3', NULL)`);
    const shape = await read(SHAPE);
    const fill = (second: number) =>
      google.duckdb(`INSERT INTO ${google.tableName(DATASET, 't')} ${rows(second)}`);
    const flags = { 'bq-table': 't', 'pg-table': 't' };
    await fill(1);
    expect((await world.run(flags)).text).toContain('"mode":"full"');
    expect(await read(SHAPE)).toEqual([...shape]);
    await fill(2);
    expect((await world.run(flags)).text).toContain('"mode":"incremental"');
    expect(await read(SHAPE)).toEqual([...shape]);
    for (const [order, index] of [
      ["v OPERATOR(ext.<=>) '[0.5403,0.84147,2]'", 'cosine'],
      ["v OPERATOR(ext.<->) '[0.5403,0.84147,2]'", 'l2'],
      ["s OPERATOR(ext.<+>) '{1:1,3:1}/3'", 'sparse'],
    ] as const) {
      const nearest = `SELECT id::int, v::text FROM t ORDER BY ${order} LIMIT 1`;
      await database.sql.begin(async (sql) => {
        await sql`SET LOCAL enable_seqscan = off`;
        await sql`SET LOCAL enable_sort = off`;
        await sql`SET LOCAL ivfflat.probes = 4`;
        const plan = await sql.unsafe(`EXPLAIN (COSTS OFF) ${nearest}`);
        expect(JSON.stringify(plan)).toMatch(partitioned === '' ? ` ${index} ` : /Index Scan/);
        expect(rowsOf(await sql.unsafe(nearest))).toEqual([
          { id: 1, v: '[0.5403023,0.84147096,2]' },
        ]);
      });
    }
    await database.sql`DROP TABLE t`;
    await google.sql(`DROP TABLE ${DATASET}.t`);
    await database.sql`DELETE FROM sync_state`;
  },
);

test('the progress of hnsw and ivfflat is shown from their beginning to their end', async () => {
  const { sql } = world.database;
  const target = { schema: 'public', name: 'built' };
  const staging = { schema: 'public', name: 'built__staging' };
  await sql.unsafe(`CREATE TABLE built (id bigint, v ext.vector(64));
    CREATE INDEX a_graph ON built USING hnsw (v ext.vector_l2_ops);
    CREATE INDEX lists ON built USING ivfflat (v ext.vector_l2_ops) WITH (lists = 600)`);
  const dependents = await dependentsOf(sql, target);
  const vector = '(SELECT array_agg(sin(n * m)) FROM generate_series(1, 64) AS m)::ext.vector(64)';
  const rows = `SELECT n, ${vector} FROM generate_series(1, 20000) AS n`;
  await fillStaging(sql, { target, staging, rows }, dependents);
  const seen: { object: string; phase: string; done: number; total: number; percent: number }[] =
    [];
  await finishStaging(sql, { target, staging, dependents, indexesAtOnce: 1 }, (progress, percent) =>
    seen.push({ ...progress, percent }),
  );
  const within = (name: string, phase: string) =>
    seen.filter((one) => one.object.includes(name) && one.phase === `building index: ${phase}`);
  const graph = within('a_graph', 'loading tuples');
  expect(graph.some(({ done, total }) => done > 0 && done < total)).toBe(true);
  expect(
    within('lists', 'performing k-means').length + within('lists', 'assigning tuples').length,
  ).toBeGreaterThan(0);
  const percents = seen.map(({ percent }) => percent);
  expect(percents).toEqual(percents.toSorted((a, b) => a - b));
  // The two indexes and the statistics count alike.
  for (const { done, total, percent } of graph)
    expect(percent).toBe(Math.floor((100 * (done / total)) / 3));
  expect(percents.at(-1)).toBe(100);
});
