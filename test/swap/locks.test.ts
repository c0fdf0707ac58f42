import { expect, test } from 'bun:test';
import postgres from 'postgres';
import { finishStaging } from '../../src/swap/build/finish-staging.ts';
import { withSavepoint } from '../../src/swap/lock-retry.ts';
import { swap } from '../../src/swap/swap.ts';
import { sharedPostgres } from '../server/shared.ts';
import {
  createFixture,
  failureOf,
  STAGING,
  type SwapFixture,
  TARGET,
  texts,
} from './objects-fixture.ts';
import { dependentsOf } from './read-dependents.ts';
import { connectAs, fillStaging, swapIn } from './swap-fixture.ts';

const SET_UP = `
  CREATE TABLE s.t (id integer PRIMARY KEY); INSERT INTO s.t VALUES (1);
  CREATE VIEW s.v AS SELECT id FROM s.t; CREATE VIEW s.v_on_v AS SELECT id FROM s.v;
  CREATE TABLE s.lines (id integer REFERENCES s.t); INSERT INTO s.lines VALUES (1);
  GRANT USAGE ON SCHEMA s TO rich_reader; GRANT SELECT ON ALL TABLES IN SCHEMA s TO rich_reader`;
const LOAD = { target: TARGET, staging: STAGING, rows: 'VALUES (1), (2)' };

async function prepare({ loader }: SwapFixture) {
  const dependents = await dependentsOf(loader, TARGET);
  await fillStaging(loader, LOAD, dependents);
  await finishStaging(loader, { target: TARGET, staging: STAGING, dependents }, () => undefined);
  return dependents;
}

/** A transaction of another session that has run `statement` and stays open until `end` is called. */
async function openTransaction(fixture: SwapFixture, user: string, statement: string) {
  const sql = connectAs(fixture.database.uri, user, 1);
  const held = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const running = sql.begin(async (transaction) => {
    await transaction.unsafe(statement);
    held.resolve();
    await release.promise;
  });
  await Promise.race([held.promise, running]);
  const end = async () => {
    release.resolve();
    await running;
    await sql.end();
  };
  return { end };
}

for (const { what, statement } of [
  { what: 'a long reader of the table', statement: 'SELECT * FROM s.t' },
  { what: 'a long reader of a view on a view', statement: 'SELECT * FROM s.v_on_v' },
  {
    what: 'a long writer of a table that refers to it',
    statement: 'INSERT INTO s.lines VALUES (1)',
  },
]) {
  test(`${what} holds up the swap, but no other reader`, async () => {
    await using fixture = await createFixture(SET_UP);
    const dependents = await prepare(fixture);
    const user = statement.startsWith('INSERT') ? 'rich_owner' : 'rich_reader';
    const long = await openTransaction(fixture, user, statement);
    const others = connectAs(fixture.database.uri, 'rich_reader', 1);
    let tries = 0;
    const options = {
      onWait: () => {
        tries += 1;
      },
    };
    const swapping = swapIn(fixture.loader, { ...LOAD, options }, dependents);
    // All these are answered while the long transaction is open: none queues behind the swap.
    for (let answers = 0; answers < 20 || tries < 3; answers += 1) {
      expect(await texts(others, 'SELECT * FROM s.v_on_v')).toEqual(['{"id": 1}']);
    }
    await long.end();
    await swapping;
    expect(await texts(others, 'SELECT * FROM s.v_on_v')).toEqual(['{"id": 1}', '{"id": 2}']);
    await others.end();
  }, 30_000);
}

test('when it gives up, the swap names the session that holds the table', async () => {
  await using fixture = await createFixture(SET_UP);
  const dependents = await prepare(fixture);
  const long = await openTransaction(fixture, 'rich_reader', 'SELECT * FROM s.t');
  const options = { giveUpAfterMs: 1 };
  const failure = await failureOf(swapIn(fixture.loader, { ...LOAD, options }, dependents));
  const [holder] = await fixture.sql<{ pid: number }[]>`
    SELECT pid FROM pg_stat_activity WHERE state = 'idle in transaction' AND usename = 'rich_reader'
      AND datname = current_database()`;
  expect(failure.code).toBe('LOCK_TIMEOUT');
  expect(failure.message).toContain(`session ${holder?.pid} (`);
  expect(failure.hint).toContain(`SELECT pg_terminate_backend(${holder?.pid});`);
  await long.end();
  expect(await texts(fixture.sql, 'SELECT * FROM s.t')).toEqual(['{"id": 1}']);
});

test('a swap that waits for its locks can be called off', async () => {
  await using fixture = await createFixture(SET_UP);
  const dependents = await prepare(fixture);
  const long = await openTransaction(fixture, 'rich_reader', 'SELECT * FROM s.t');
  const abort = new AbortController();
  const options = { signal: abort.signal, onWait: () => abort.abort() };
  const swapping = swapIn(fixture.loader, { ...LOAD, options }, dependents);
  await expect(swapping).rejects.toThrow('abort');
  await long.end();
  expect(await texts(fixture.sql, 'SELECT * FROM s.t')).toEqual(['{"id": 1}']);
});

test('a swap in a reserved connection, with BEGIN and COMMIT sent by hand, tries again too', async () => {
  await using fixture = await createFixture(SET_UP);
  const dependents = await prepare(fixture);
  const long = await openTransaction(fixture, 'rich_reader', 'SELECT * FROM s.t');
  // reserve() of postgres.js never settles on a fresh connection with fetch_types: false.
  const pool = postgres(fixture.database.uri, { max: 1, onnotice: () => undefined });
  const session = await pool.reserve();
  let tries = 0;
  const options = {
    onWait: () => {
      tries += 1;
      return tries === 2 ? long.end() : undefined;
    },
  };
  await session`BEGIN`;
  await swap(session, { target: TARGET, staging: STAGING, dependents, added: [] }, options);
  await session`COMMIT`;
  session.release();
  await pool.end();
  expect(tries).toBeGreaterThan(1);
  expect(await texts(fixture.sql, 'SELECT * FROM s.t')).toEqual(['{"id": 1}', '{"id": 2}']);
});

test('a try that failed leaves no savepoint behind: thousands of tries do not nest', async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  const pool = postgres(database.uri, { max: 1, onnotice: () => undefined });
  const session = await pool.reserve();
  await session`BEGIN`;
  const failing = withSavepoint(session, async (sql) => await sql.unsafe('SELECT 1 / 0'));
  await expect(failing).rejects.toThrow('division by zero');
  await expect(session`RELEASE SAVEPOINT bqtp_swap`.execute()).rejects.toThrow('does not exist');
  await session`ROLLBACK`;
  session.release();
  await pool.end();
});
