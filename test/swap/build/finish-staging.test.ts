import { expect, test } from 'bun:test';
import { finishStaging } from '../../../src/swap/build/finish-staging.ts';
import type { BuildProgress } from '../../../src/swap/build/index-progress.ts';
import { createFixture, STAGING, TARGET, texts } from '../objects-fixture.ts';
import { dependentsOf } from '../read-dependents.ts';
import { fillStaging, swapIn } from '../swap-fixture.ts';

const SET_UP = `
  CREATE FUNCTION s.slow(n integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS
    'BEGIN PERFORM pg_sleep(0.03); RETURN n; END';
  CREATE TABLE s.other (id integer PRIMARY KEY); INSERT INTO s.other VALUES (1);
  CREATE TABLE s.t (id integer PRIMARY KEY, a integer REFERENCES s.other,
    CONSTRAINT a_once UNIQUE (id, a) DEFERRABLE, EXCLUDE USING gist (int4range(id, id + 1) WITH &&));
  ALTER TABLE s.t ADD CONSTRAINT late FOREIGN KEY (a) REFERENCES s.other NOT VALID;
  CREATE INDEX slow ON s.t (s.slow(id)); CREATE INDEX by_a ON s.t (a);
  CREATE STATISTICS s.both ON id, a FROM s.t`;
const LOAD = {
  target: TARGET,
  staging: STAGING,
  rows: 'SELECT n, 1 FROM generate_series(1, 20) AS n',
};
const MADE = `
  SELECT oid::int8, relname FROM pg_class WHERE relname LIKE 'bqtp%'
  UNION ALL SELECT oid::int8, conname FROM pg_constraint WHERE conrelid = 's.t__staging'::regclass
  UNION ALL SELECT oid::int8, stxname FROM pg_statistic_ext WHERE stxname LIKE 'bqtp%' ORDER BY 1`;

test('what a killed run has built is taken over, and what it has not is built', async () => {
  await using fixture = await createFixture(SET_UP);
  const { loader, sql } = fixture;
  const dependents = await dependentsOf(loader, TARGET);
  await fillStaging(loader, LOAD, dependents);
  const abort = new AbortController();
  const broken = finishStaging(
    loader,
    { target: TARGET, staging: STAGING, dependents, indexesAtOnce: 1, signal: abort.signal },
    ({ object }) => {
      if (object.includes('slow')) abort.abort();
    },
  );
  await expect(broken).rejects.toThrow('abort');
  const first = await texts(sql, MADE);
  expect(first.length).toBeGreaterThan(1);
  await finishStaging(loader, { target: TARGET, staging: STAGING, dependents }, () => undefined);
  const second = await texts(sql, MADE);
  expect(second).toEqual(expect.arrayContaining([...first]));
  expect(second.length).toBeGreaterThan(first.length);
  await finishStaging(loader, { target: TARGET, staging: STAGING, dependents }, () => undefined);
  expect(await texts(sql, MADE)).toEqual([...second]);
  // The swap refuses to end with a difference from what the plan read.
  await swapIn(loader, LOAD, dependents);
}, 30_000);

test('an index build that is called off ends on the server as well', async () => {
  await using fixture = await createFixture(SET_UP);
  const { loader, sql } = fixture;
  const dependents = await dependentsOf(loader, TARGET);
  await fillStaging(loader, LOAD, dependents);
  const abort = new AbortController();
  const plan = { target: TARGET, staging: STAGING, dependents, signal: abort.signal };
  const finishing = finishStaging(loader, plan, ({ object, phase }) => {
    if (object.includes('slow') && phase.startsWith('building')) abort.abort();
  });
  await expect(finishing).rejects.toThrow('abort');
  const running = `SELECT query FROM pg_stat_activity
    WHERE datname = current_database() AND state = 'active' AND query LIKE 'CREATE%'`;
  expect(await texts(sql, running)).toEqual([]);
}, 30_000);

test('when an index cannot be built, no further one is begun', async () => {
  const slow = [1, 2, 3, 4].map((n) => `CREATE INDEX slow_${n} ON s.t (s.slow(id));`);
  await using fixture = await createFixture(`
    CREATE FUNCTION s.slow(n integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS
      'BEGIN PERFORM pg_sleep(0.01); RETURN n; END';
    CREATE TABLE s.t (id integer CONSTRAINT a_key UNIQUE); ${slow.join(' ')}`);
  const { loader, sql } = fixture;
  const dependents = await dependentsOf(loader, TARGET);
  await fillStaging(loader, { ...LOAD, rows: 'SELECT 1 FROM generate_series(1, 50)' }, dependents);
  // Both builders begin at once.
  const sessions = await Promise.all([loader.reserve(), loader.reserve()]);
  for (const session of sessions) session.release();
  const finishing = finishStaging(
    loader,
    { target: TARGET, staging: STAGING, dependents },
    () => undefined,
  );
  await expect(finishing).rejects.toThrow('"a_key"');
  const built = await texts(sql, `SELECT FROM pg_class WHERE relname LIKE 'bqtp%'`);
  expect(built).toHaveLength(1);
}, 30_000);

test("progress tells the server's own phases, by the names that the user knows", async () => {
  await using fixture = await createFixture(SET_UP);
  const { loader } = fixture;
  const dependents = await dependentsOf(loader, TARGET);
  await fillStaging(loader, LOAD, dependents);
  const reported: BuildProgress[] = [];
  const percents: number[] = [];
  await finishStaging(
    loader,
    { target: TARGET, staging: STAGING, dependents },
    (progress, percent) => {
      reported.push(progress);
      percents.push(percent);
    },
  );
  expect(percents).toEqual(percents.toSorted((a, b) => a - b));
  expect(percents.at(-1)).toBeGreaterThan(75);
  const slow = reported.filter(({ object }) => object === '"s"."slow"');
  expect(slow.map(({ phase }) => phase)).toContain('building index: scanning table');
  expect(reported.map(({ object }) => object)).toEqual(
    expect.arrayContaining([
      '"s"."by_a"',
      '"s"."t_pkey"',
      'foreign key "late" of "s"."t"',
      '"s"."t"',
    ]),
  );
  expect(reported.some(({ object }) => object.includes('bqtp'))).toBe(false);
}, 30_000);
