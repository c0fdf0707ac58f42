import { expect, test } from 'bun:test';
import type postgres from 'postgres';
import { createFixture, STAGING, TARGET } from './objects-fixture.ts';
import { connectAs, fullLoad } from './swap-fixture.ts';

const LOADS = 20;
const ROWS = 2000;

/** Each gives one row: how many rows there are, and the load that the first and the last came from. */
const QUERIES = [
  'SELECT count(*)::int AS n, min(load) AS first, max(load) AS last FROM s.t',
  'SELECT count(*)::int AS n, min(load) AS first, max(load) AS last FROM s.v',
  'SELECT count(*)::int AS n, min(load) AS first, max(load) AS last FROM s.v_on_v',
  'SELECT n, first, last FROM s.m',
  'SELECT n, first, last FROM s.v_on_m',
  // Locks the table first and the view after it: the other way round than the swap.
  `SELECT t.n, least(t.first, m.first) AS first, greatest(t.last, v.last, m.last) AS last
   FROM (SELECT count(*)::int AS n, min(load) AS first, max(load) AS last FROM s.t) AS t,
     (SELECT max(load) AS last FROM s.v_on_v) AS v, s.m AS m`,
];

interface Seen {
  readonly answers: number;
  readonly loads: ReadonlySet<number>;
  readonly longestMs: number;
}

/** Reads until `done` says so; fails on an empty, a partial or a mixed answer. */
async function read(sql: postgres.Sql, prepared: boolean, done: () => boolean): Promise<Seen> {
  const loads = new Set<number>();
  let answers = 0;
  let longestMs = 0;
  while (!done()) {
    const query = QUERIES[answers % QUERIES.length] ?? '';
    const since = performance.now();
    const rows = await sql.unsafe<{ n: number; first: number; last: number }[]>(
      query,
      [],
      prepared ? ({ prepare: true, simple: false } as postgres.UnsafeQueryOptions) : {},
    );
    longestMs = Math.max(longestMs, performance.now() - since);
    const [row] = rows;
    expect({ query, ...row }).toEqual({
      query,
      n: ROWS,
      first: row?.last ?? -1,
      last: row?.last ?? -1,
    });
    loads.add(row?.last ?? -1);
    answers += 1;
  }
  return { answers, loads, longestMs };
}

const rowsOf = (load: number) => `SELECT n, ${load} FROM generate_series(1, ${ROWS}) AS n`;

test(`readers see no error, no empty table and no mixture during ${LOADS} full loads`, async () => {
  await using fixture = await createFixture(`
    CREATE TABLE s.t (id integer PRIMARY KEY, load integer);
    INSERT INTO s.t ${rowsOf(0)};
    CREATE INDEX by_load ON s.t (load);
    CREATE VIEW s.v AS SELECT id, load FROM s.t;
    CREATE VIEW s.v_on_v AS SELECT v.load FROM s.v JOIN s.t USING (id);
    CREATE MATERIALIZED VIEW s.m AS
      SELECT count(*)::int AS n, min(load) AS first, max(load) AS last FROM s.t;
    CREATE VIEW s.v_on_m AS SELECT * FROM s.m;
    GRANT USAGE ON SCHEMA s TO rich_reader;
    GRANT SELECT ON ALL TABLES IN SCHEMA s TO rich_reader`);
  let done = false;
  const pools = Array.from({ length: 4 }, () => connectAs(fixture.database.uri, 'rich_reader', 1));
  const reading = Promise.all(pools.map((sql, at) => read(sql, at % 2 === 0, () => done)));
  const held: number[] = [];
  let waits = 0;
  try {
    for (let load = 1; load <= LOADS; load += 1) {
      const swapped = await fullLoad(fixture.loader, {
        target: TARGET,
        staging: STAGING,
        rows: rowsOf(load),
        options: {
          onWait: () => {
            waits += 1;
          },
        },
      });
      held.push(swapped.lockHeldMs);
    }
  } finally {
    done = true;
  }
  const seen = await reading;
  await Promise.all(pools.map((sql) => sql.end()));
  const longest = Math.max(...seen.map(({ longestMs }) => longestMs));
  const answers = seen.reduce((sum, reader) => sum + reader.answers, 0);
  console.log(
    `${answers} answers; longest wait ${longest.toFixed(0)} ms; lock held ` +
      `${Math.min(...held).toFixed(0)} to ${Math.max(...held).toFixed(0)} ms; ${waits} tries without the locks`,
  );
  // Without readers on both sides of a swap the test would say nothing.
  expect(seen.every(({ loads }) => loads.size > 2)).toBe(true);
}, 60_000);
