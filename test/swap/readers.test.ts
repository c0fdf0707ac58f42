import { expect, test } from 'bun:test';
import type postgres from 'postgres';
import { createFixture, STAGING, TARGET } from './objects-fixture.ts';
import { connectAs, fullLoad } from './swap-fixture.ts';

const LOADS = 20;
const ROWS = 2000;

function rowsOf(load: number): string {
  return `SELECT n, ${load} FROM generate_series(1, ${ROWS}) AS n`;
}

/** A query that gives one row: how many rows there are, and the loads of the first and the last. */
interface Query {
  readonly from: string;
  /** The rows that it finds at any time. */
  readonly n: number;
}

const TABLE = {
  setUp: `
    CREATE TABLE s.t (id integer PRIMARY KEY, load integer);
    INSERT INTO s.t ${rowsOf(0)};`,
  queries: [],
};

/** Two leaves of half the rows each, on two levels, with views and a materialized view of their own. */
const TREE = {
  setUp: `
    CREATE TABLE s.t (id integer PRIMARY KEY, load integer) PARTITION BY RANGE (id);
    CREATE TABLE s.low PARTITION OF s.t FOR VALUES FROM (1) TO (${ROWS / 2 + 1});
    CREATE TABLE s.high PARTITION OF s.t DEFAULT PARTITION BY HASH (id);
    CREATE TABLE s.high_all PARTITION OF s.high FOR VALUES WITH (MODULUS 1, REMAINDER 0);
    INSERT INTO s.t ${rowsOf(0)};
    CREATE VIEW s.of_low AS SELECT load FROM s.low;
    CREATE MATERIALIZED VIEW s.m_low AS SELECT load FROM s.low;`,
  queries: [
    { from: 's.low', n: ROWS / 2 },
    { from: 's.high', n: ROWS / 2 },
    { from: 's.of_low', n: ROWS / 2 },
    { from: 's.m_low', n: ROWS / 2 },
    // A leaf first, and what is above it after that: the other way round than the swap.
    { from: 's.high_all JOIN s.t USING (id, load)', n: ROWS / 2 },
  ],
};

const QUERIES: readonly Query[] = [
  { from: 's.t', n: ROWS },
  { from: 's.v', n: ROWS },
  { from: 's.v_on_v', n: ROWS },
  { from: 's.m', n: ROWS },
  { from: 's.v_on_m', n: ROWS },
  // Locks the table first and the view after it: the other way round than the swap.
  { from: `s.t JOIN s.v USING (id, load) JOIN s.m USING (id, load)`, n: ROWS },
];

interface Seen {
  readonly answers: number;
  readonly loads: ReadonlySet<number>;
  readonly longestMs: number;
}

/** Reads until `done` says so; fails on an empty, a partial or a mixed answer. */
async function read(
  sql: postgres.Sql,
  queries: readonly Query[],
  prepared: boolean,
  done: () => boolean,
): Promise<Seen> {
  const loads = new Set<number>();
  let answers = 0;
  let longestMs = 0;
  while (!done()) {
    const { from = '', n = -1 } = queries[answers % queries.length] ?? {};
    const since = performance.now();
    const [row] = await sql.unsafe<{ n: number; first: number; last: number }[]>(
      `SELECT count(*)::int AS n, min(load) AS first, max(load) AS last FROM ${from}`,
      [],
      prepared ? ({ prepare: true, simple: false } as postgres.UnsafeQueryOptions) : {},
    );
    longestMs = Math.max(longestMs, performance.now() - since);
    expect({ from, ...row }).toEqual({ from, n, first: row?.last ?? -1, last: row?.last ?? -1 });
    loads.add(row?.last ?? -1);
    answers += 1;
  }
  return { answers, loads, longestMs };
}

const WATCHED = { 'a table': TABLE, 'a partitioned table, through its root and its leaves': TREE };

for (const [what, { setUp, queries }] of Object.entries(WATCHED)) {
  test(`readers of ${what}, see no error, no empty answer and no mixture during ${LOADS} full loads`, async () => {
    await using fixture = await createFixture(`${setUp}
      CREATE INDEX by_load ON s.t (load);
      CREATE VIEW s.v AS SELECT id, load FROM s.t;
      CREATE VIEW s.v_on_v AS SELECT v.load FROM s.v JOIN s.t USING (id);
      CREATE MATERIALIZED VIEW s.m AS SELECT id, load FROM s.t;
      CREATE VIEW s.v_on_m AS SELECT * FROM s.m;
      GRANT USAGE ON SCHEMA s TO rich_reader;
      GRANT SELECT ON ALL TABLES IN SCHEMA s TO rich_reader`);
    let done = false;
    const pools = Array.from({ length: 4 }, () =>
      connectAs(fixture.database.uri, 'rich_reader', 1),
    );
    const reading = Promise.all(
      pools.map((sql, at) => read(sql, [...QUERIES, ...queries], at % 2 === 0, () => done)),
    );
    const held: number[] = [];
    let waits = 0;
    const onWait = () => {
      waits += 1;
    };
    try {
      for (let load = 1; load <= LOADS; load += 1) {
        const rows = rowsOf(load);
        const options = { onWait };
        const swap = { target: TARGET, staging: STAGING, rows, options };
        held.push((await fullLoad(fixture.loader, swap)).lockHeldMs);
      }
    } finally {
      done = true;
    }
    const seen = await reading;
    await Promise.all(pools.map((sql) => sql.end()));
    const longest = Math.max(...seen.map(({ longestMs }) => longestMs));
    const answers = seen.reduce((sum, reader) => sum + reader.answers, 0);
    console.log(
      `${what}: ${answers} answers; longest wait ${longest.toFixed(0)} ms; lock held ` +
        `${Math.min(...held).toFixed(0)} to ${Math.max(...held).toFixed(0)} ms; ${waits} tries without the locks`,
    );
    // Without readers on both sides of a swap the test would say nothing.
    expect(seen.every(({ loads }) => loads.size > 2)).toBe(true);
  }, 120_000);
}
