import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { ProjectorError } from '../../src/errors.ts';
import { readConnection } from '../../src/postgres/connection/connection.ts';
import { describeServerError, isRetryable } from '../../src/postgres/server-errors.ts';
import { connectPostgres } from '../server/connect.ts';
import type { TestDatabase } from '../server/database.ts';
import { sharedPostgres } from '../server/shared.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await (await sharedPostgres()).createDatabase();
  await database.sql`CREATE TABLE shop (id int PRIMARY KEY)`;
}, 60_000);

afterAll(() => database.drop());

/** What a statement of a session with `options` fails with. */
async function failureOf(statement: string, options = ''): Promise<unknown> {
  const uri = `${database.uri}?options=${encodeURIComponent(options)}`;
  const pool = { maxConnections: 1, applicationName: 'error test' };
  const sql = await connectPostgres(readConnection(uri, {}), pool);
  try {
    return await sql.unsafe(statement).then(
      () => 'it ran',
      (error: unknown) => error,
    );
  } finally {
    await sql.end({ timeout: 0 });
  }
}

describe('an error of the server becomes a word, a reason and an advice:', () => {
  test.each([
    ['INSERT INTO shop VALUES (1), (1)', '', 'CONSTRAINT_VIOLATED', false],
    ['INSERT INTO shop VALUES (2)', '-c default_transaction_read_only=on', 'READ_ONLY', false],
    ["SET statement_timeout = '20ms'; SELECT pg_sleep(60)", '', 'CANCELLED', false],
    ['SELECT pg_terminate_backend(pg_backend_pid())', '', 'SERVER_RESTARTED', true],
    ['CREATE TABLE nowhere.t ()', '', 'NO_SUCH_SCHEMA', false],
    ["SELECT 'x'::int", '', 'BAD_VALUE', false],
    ['SELECT * FROM missing', '', 'POSTGRES_ERROR', false],
    ['BEGIN; SET LOCAL ROLE pg_monitor; SELECT * FROM shop', '', 'PERMISSION_DENIED', false],
  ] as const)('%s %s is %s', async (statement, options, word, retryable) => {
    const failure = await failureOf(statement, options);
    const described = describeServerError(failure) as ProjectorError;
    expect(described.code).toBe(word);
    expect(described.hint?.length).toBeGreaterThan(10);
    expect(described.cause).toBe(failure);
    expect([isRetryable(failure), isRetryable(described)]).toEqual([retryable, retryable]);
  });
});

test('the detail and the SQLSTATE are told, and where it was', async () => {
  const connection = readConnection(database.uri, {});
  const failure = await failureOf('INSERT INTO shop VALUES (3), (3)');
  const described = describeServerError(failure, connection) as ProjectorError;
  expect(described.message).toBe(
    `${connection.label}: duplicate key value violates unique constraint "shop_pkey" (SQLSTATE 23505); Key (id)=(3) already exists.`,
  );
});

test('what was described stays as it is', () => {
  const error = new ProjectorError({ code: 'WRONG_SERVER', message: 'x' });
  expect(describeServerError(error)).toBe(error);
  expect(isRetryable(error)).toBe(false);
});

test('a defect of the program is not laid to the server', () => {
  const defect = new TypeError('undefined is not a function');
  expect(describeServerError(defect)).toBe(defect);
  expect(isRetryable(new Error('of anything else'))).toBe(false);
});
