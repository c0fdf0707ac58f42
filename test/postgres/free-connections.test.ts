import { afterAll, beforeAll, expect, test } from 'bun:test';
import postgres from 'postgres';
import { limitStreams } from '../../src/load/stream-limit.ts';
import { readFreeConnections } from '../../src/postgres/free-connections.ts';
import type { TestDatabase } from '../server/database.ts';
import { startPostgres, type TestServer } from '../server/server.ts';

let server: TestServer;
let database: TestDatabase;

beforeAll(async () => {
  const settings = {
    max_connections: '20',
    superuser_reserved_connections: '2',
    reserved_connections: '3',
    // Backends of the server's own are counted, too, where they are in a database.
    autovacuum: 'off',
  };
  server = await startPostgres({ settings });
  database = await server.createDatabase();
  await database.sql`CREATE ROLE plain LOGIN`;
}, 60_000);

afterAll(() => server.stop());

/** Runs `read` in a session of `user` with so many other sessions of `other`. */
async function withSessions<T>(
  user: string,
  other: string,
  count: number,
  read: (sql: postgres.ReservedSql) => Promise<T>,
): Promise<T> {
  const open = (name: string, max: number) =>
    postgres(database.uri.replace('postgres@', `${name}@`), {
      max,
      fetch_types: false,
      connection: { application_name: 'counted' },
    });
  const [own, others] = [open(user, 1), open(other, Math.max(1, count))];
  try {
    await Promise.all(Array.from({ length: count }, () => others.reserve()));
    return await read(await own.reserve());
  } finally {
    await Promise.all([own.end({ timeout: 0 }), others.end({ timeout: 0 })]);
    while ((await sessions('counted')) > 0) await Bun.sleep(5);
  }
}

async function sessions(application: string): Promise<number> {
  const [row] = await database.sql`
    SELECT count(*) FROM pg_stat_activity WHERE application_name = ${application}`;
  return Number(row?.['count']);
}

/** Sessions of `database.sql` itself. */
const ownSessions = () => sessions('postgres.js');

test.each(['plain', 'postgres'])(
  'of the server are counted by %s with the sessions of other roles, and less what is reserved',
  async (user) => {
    const others = await ownSessions();
    const free = await withSessions(user, 'postgres', 6, readFreeConnections);
    expect(free.ofServer).toBe(20 - 2 - 3 - 6 - others - 1);
  },
);

test('a role without rights leaves five of them to others', async () => {
  const others = await ownSessions();
  const { most, reason } = await withSessions('plain', 'postgres', 6, (sql) =>
    limitStreams(sql, { connections: 100, freeBytes: 1e12 }),
  );
  expect({ most, reason }).toEqual({
    most: Math.max(1, 20 - 2 - 3 - 6 - others - 1 - 5),
    reason: 'the server has no more connections free, 5 kept for others',
  });
});

test.each([
  ['ROLE plain', 3, 'plain', 1, 1],
  ['ROLE plain', 2, 'plain', 1, 0],
  ['ROLE plain', 3, 'postgres', 1, 2],
  ['ROLE postgres', 1, 'plain', 0, undefined],
])(
  'with ALTER %s CONNECTION LIMIT %i and a session of %s',
  async (what, limit, other, count, free) => {
    await database.sql.unsafe(`ALTER ${what} CONNECTION LIMIT ${limit}`);
    try {
      const { ofRole } = await withSessions('plain', other, count, readFreeConnections);
      expect(ofRole).toBe(free ?? 2 ** 31 - 1);
    } finally {
      await database.sql.unsafe(`ALTER ${what} CONNECTION LIMIT -1`);
    }
  },
);

test('those of the database count for roles that are no superusers', async () => {
  const others = await ownSessions();
  await database.sql.unsafe(`ALTER DATABASE ${database.name} CONNECTION LIMIT 10`);
  const count = (user: string) => withSessions(user, 'plain', 2, readFreeConnections);
  expect((await count('plain')).ofRole).toBe(10 - 2 - others - 1);
  expect((await count('postgres')).ofRole).toBe(2 ** 31 - 1);
  await database.sql.unsafe(`ALTER DATABASE ${database.name} CONNECTION LIMIT -1`);
});
