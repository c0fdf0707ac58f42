import { afterAll, beforeAll, expect, test } from 'bun:test';
import { connect, createServer, type Socket } from 'node:net';
import postgres from 'postgres';
import { readConnection } from '../../src/postgres/connection/connection.ts';
import { connectPostgres } from '../server/connect.ts';
import type { TestDatabase } from '../server/database.ts';
import { sharedPostgres } from '../server/shared.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await (await sharedPostgres()).createDatabase();
  await database.sql`CREATE TABLE events (event text)`;
});

afterAll(() => database.drop());

/** A pool of one connection, closed afterwards. */
async function withPool<T>(work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const connection = readConnection(database.uri, {});
  const options = { maxConnections: 1, applicationName: 'session test' };
  const sql = await connectPostgres(connection, options);
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 0 });
  }
}

/** Ends the session under test, and resolves once the server has forgotten it. */
async function terminate(): Promise<void> {
  const left = () => database.sql`
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'session test'`;
  while ((await left()).length > 0) await Bun.sleep(1);
}

async function messageOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'it resolved',
    (error) => String(error),
  );
}

test('a transaction whose session is lost runs nothing in the next session', async () => {
  await withPool(async (sql) => {
    const later = Promise.withResolvers<unknown>();
    const lost = sql.begin(async (tx) => {
      await tx`INSERT INTO events VALUES ('before')`;
      await terminate();
      // The pool reconnects the same connection for someone else.
      await sql`SELECT 1`;
      await tx`INSERT INTO events VALUES ('after')`.catch(later.resolve);
      later.resolve('it ran');
    });
    expect(await messageOf(lost)).toMatch(/57P01|terminating connection|CONNECTION_CLOSED/u);
    expect(String(await later.promise)).not.toBe('it ran');
    expect([...(await sql`SELECT event FROM events`)]).toEqual([]);
  });
});

test('a reserved session that is lost rejects what follows, and its connection can be used again', async () => {
  await withPool(async (sql) => {
    const reserved = await sql.reserve();
    await terminate();
    expect(await messageOf(reserved`SELECT 1`)).not.toBe('it resolved');
    expect(await messageOf(reserved`SELECT 1`)).not.toBe('it resolved');
    reserved.release();
    expect([...(await sql`SELECT 2 AS two`)]).toEqual([{ two: 2 }]);
    expect(await messageOf(reserved`INSERT INTO events VALUES ('after')`)).not.toBe('it resolved');
    expect([...(await sql`SELECT event FROM events`)]).toEqual([]);
  });
});

test('statements that wait in a session that is lost are rejected', async () => {
  await withPool(async (sql) => {
    const reserved = await sql.reserve();
    const waiting = [1, 2, 3].map(() => messageOf(reserved`SELECT pg_sleep(60)`));
    await Bun.sleep(50);
    await terminate();
    expect(await Promise.all(waiting)).not.toContain('it resolved');
    reserved.release();
  });
});

/** A pool of one connection whose sockets `open` makes. */
function poolOver(open: () => Promise<Socket>): postgres.Sql {
  const options = { max: 1, fetch_types: false, connect_timeout: 0, socket: open };
  return postgres(database.uri, options as object) as unknown as postgres.Sql;
}

async function openServer(): Promise<Socket> {
  const socket = connect(readConnection(database.uri, {}).hosts[0]?.port ?? 0, '127.0.0.1');
  await new Promise((resolve) => socket.once('connect', resolve));
  return socket;
}

test('a socket that cannot be opened costs the pool no connection', async () => {
  let attempts = 0;
  const sql = poolOver(async () => {
    attempts += 1;
    if (attempts === 1) throw new Error('no route');
    return openServer();
  });
  expect(await messageOf(sql`SELECT 1`)).toContain('no route');
  expect([...(await sql`SELECT 1 AS one`)]).toEqual([{ one: 1 }]);
  await sql.end();
});

test('a socket that closes before the server is ready is an error, not a loop without end', async () => {
  const server = createServer((socket) => socket.once('data', () => socket.end()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const sql = poolOver(async () => {
    const socket = connect(port, '127.0.0.1');
    await new Promise((resolve) => socket.once('connect', resolve));
    return socket;
  });
  expect(await messageOf(sql`SELECT 1`)).toContain('CONNECTION_CLOSED');
  await sql.end();
  server.close();
});

test('a server that hangs up without a word is an error, not a reason to try for ever', async () => {
  const server = createServer((socket) => socket.once('data', () => socket.end()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const connection = readConnection(`postgres://u:secret@127.0.0.1:${port}/d?sslmode=disable`, {});
  const pool = connectPostgres(connection, { maxConnections: 1, applicationName: 'test' });
  await expect(pool).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
  expect(await messageOf(pool)).not.toContain('secret');
  server.close();
});

test('a login that is not built in is refused by name', async () => {
  // AuthenticationGSS: the answer of a server that wants Kerberos.
  const server = createServer((socket) => {
    socket.once('data', () => socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 7])));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const connection = readConnection(`postgres://u@127.0.0.1:${port}/d?sslmode=disable`, {});
  const pool = connectPostgres(connection, { maxConnections: 1, applicationName: 'test' });
  await expect(pool).rejects.toMatchObject({ code: 'LOGIN_REFUSED' });
  server.close();
});

test('PG variables of the process do not reach the pool behind the connection’s back', async () => {
  process.env['PGTARGETSESSIONATTRS'] = 'any';
  process.env['PGAPPNAME'] = 'from the environment';
  try {
    await withPool(async (sql) => {
      expect([...(await sql`SHOW application_name`)]).toEqual([
        { application_name: 'session test' },
      ]);
    });
  } finally {
    delete process.env['PGTARGETSESSIONATTRS'];
    delete process.env['PGAPPNAME'];
  }
});

test('int8, numeric, dates and timestamps come back as text, in ISO', async () => {
  const connection = readConnection(`${database.uri}?options=-c%20DateStyle%3DGerman`, {});
  const sql = await connectPostgres(connection, { maxConnections: 1, applicationName: 'test' });
  const [row] = await sql`
    SELECT '0001-01-01 00:00:00.000001'::timestamp AS t, '9999-12-31'::date AS d,
           9223372036854775807::int8 AS i, 1.50::numeric AS n`;
  await sql.end();
  expect({ ...row }).toEqual({
    t: '0001-01-01 00:00:00.000001',
    d: '9999-12-31',
    i: '9223372036854775807',
    n: '1.50',
  });
});
