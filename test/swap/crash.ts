import { expect } from 'bun:test';
import { fileURLToPath } from 'node:url';
import { quoteTable } from '../../src/postgres/quoting.ts';
import { createFixture, STAGING, type SwapFixture, TARGET, texts } from './objects-fixture.ts';
import { fullLoad, LOADER } from './swap-fixture.ts';

/** Targets of both kinds, with 100 rows, and what depends on them. */
export const CRASH_TARGETS = {
  'a table': `
    CREATE TABLE s.t (id integer PRIMARY KEY, load integer, n bigint GENERATED ALWAYS AS IDENTITY);`,
  'a partitioned table': `
    CREATE TABLE s.t (id integer PRIMARY KEY, load integer, n bigint GENERATED ALWAYS AS IDENTITY)
      PARTITION BY RANGE (id);
    CREATE TABLE s.first PARTITION OF s.t FOR VALUES FROM (1) TO (50);
    CREATE TABLE s.rest PARTITION OF s.t DEFAULT PARTITION BY LIST (id);
    CREATE TABLE s.rest_70 PARTITION OF s.rest FOR VALUES IN (70);
    CREATE TABLE s.rest_rest PARTITION OF s.rest DEFAULT;
    CREATE VIEW s.of_first AS SELECT id FROM s.first; CREATE INDEX by_id ON s.rest_rest (id);`,
} as const;

const DEPENDENTS = `
  INSERT INTO s.t (id, load) SELECT n, 0 FROM generate_series(1, 100) AS n;
  CREATE INDEX by_load ON s.t (load); COMMENT ON INDEX s.by_load IS 'an index';
  CREATE STATISTICS s.both ON id, load FROM s.t;
  CREATE VIEW s.v AS SELECT id, load FROM s.t;
  CREATE MATERIALIZED VIEW s.m AS SELECT load, count(*) AS n FROM s.t GROUP BY load;
  CREATE UNIQUE INDEX m_load ON s.m (load);
  CREATE TABLE s.lines (id integer REFERENCES s.t); INSERT INTO s.lines VALUES (1);
  GRANT SELECT ON s.t TO rich_reader`;
const OBJECTS = `
  SELECT relname, relkind FROM pg_class WHERE relnamespace = 's'::regnamespace
  UNION ALL SELECT stxname, 'statistics' FROM pg_statistic_ext ORDER BY 1, 2`;

const rowsOf = (load: number) => `(id, load) SELECT n, ${load} FROM generate_series(1, 100) AS n`;

/**
 * Kills a full load at every `stride`th point on its way, and each time lets another run come
 * after it. Returns the points at which it was killed.
 */
export async function crashEverywhere(
  target: keyof typeof CRASH_TARGETS,
  stride: number,
): Promise<readonly string[]> {
  await using fixture = await createFixture(CRASH_TARGETS[target] + DEPENDENTS);
  const objects = await texts(fixture.sql, OBJECTS);
  const killed: string[] = [];
  let whole = 0;
  for (let at = 1; ; at += stride) {
    const point = await killedAt(fixture, at, 2 * at);
    if (point === undefined) return killed;
    killed.push(point);
    const found = await wholeLoad(fixture);
    // Only after COMMIT is it the new one.
    expect({ point, found }).toEqual({ point, found: point.endsWith('the end') ? 2 * at : whole });
    await fixture.loader.unsafe(`DROP TABLE IF EXISTS ${quoteTable(STAGING)}`);
    whole = 2 * at + 1;
    await fullLoad(fixture.loader, { target: TARGET, staging: STAGING, rows: rowsOf(whole) });
    expect(await wholeLoad(fixture)).toBe(whole);
    expect(await texts(fixture.sql, OBJECTS)).toEqual(objects);
  }
}

/** The load that all rows come from, in the table, the view and the materialized view alike. */
async function wholeLoad({ sql }: SwapFixture): Promise<number> {
  const [row] = await sql<{ loads: number[]; rows: string }[]>`
    SELECT json_agg(DISTINCT load) AS loads, json_agg(DISTINCT n) AS rows FROM (
      SELECT load, count(*) AS n FROM s.t GROUP BY 1
      UNION ALL SELECT load, count(*) FROM s.v GROUP BY 1
      UNION ALL SELECT load, n FROM s.m) AS counted`;
  expect(row?.loads).toHaveLength(1);
  expect(row?.rows).toEqual([100] as unknown as string);
  return row?.loads[0] ?? -1;
}

/** Starts a load that stops at the given point, and kills it there; undefined: it came to its end. */
async function killedAt(
  fixture: SwapFixture,
  at: number,
  load: number,
): Promise<string | undefined> {
  const program = fileURLToPath(new URL('crashing-load.ts', import.meta.url));
  const child = Bun.spawn(
    [process.execPath, program, fixture.database.uri, String(at), rowsOf(load)],
    { stdout: 'pipe', stderr: 'pipe' },
  );
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of child.stdout) {
    text += decoder.decode(chunk, { stream: true });
    if (text.includes('\n')) break;
  }
  child.kill('SIGKILL');
  await child.exited;
  if (text === '') {
    const complaint = await new Response(child.stderr).text();
    if (complaint !== '') throw new Error(complaint);
    return undefined;
  }
  await untilGone(fixture);
  return text.trim();
}

/** The server notices that its client is gone when it next reads from it. */
async function untilGone({ sql }: SwapFixture): Promise<void> {
  const others = `SELECT pid FROM pg_stat_activity WHERE datname = current_database()
    AND usename = '${LOADER}' AND state <> 'idle'`;
  while ((await texts(sql, others)).length > 0) await Bun.sleep(5);
}
