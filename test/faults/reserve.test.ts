import { expect, test } from 'bun:test';
import { readConnection } from '../../src/postgres/connection/connection.ts';
import { connectPostgres } from '../server/connect.ts';
import { sharedPostgres } from '../server/shared.ts';

test('a reservation that failed takes no connection from those who come later', async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  const role = `one_${database.name}`;
  await database.sql.unsafe(`CREATE ROLE ${role} LOGIN CONNECTION LIMIT 1`);
  const connection = readConnection(database.uri.replace('postgres@', `${role}@`), {});
  const sql = await connectPostgres(connection, { maxConnections: 5, applicationName: 'reserve' });
  const first = await sql.reserve();
  const others = await Promise.allSettled([sql.reserve(), sql.reserve(), sql.reserve()]);
  expect(others.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  first.release();
  const second = await Promise.race([sql.reserve(), Bun.sleep(5000)]);
  expect(second).toBeDefined();
  expect((await second?.unsafe('SELECT 1'))?.length).toBe(1);
  await sql.end({ timeout: 0 });
  await database.sql.unsafe(`DROP ROLE ${role}`);
});
