import { afterAll, beforeAll, expect, test } from 'bun:test';
import { createPrivateKey } from 'node:crypto';
import { createAuthority } from '../server/certificates.ts';
import { createFolder } from '../server/folder.ts';
import { startPostgres, type TestServer } from '../server/server.ts';
import { interceptTls } from '../server/tls-interceptor.ts';
import { openWorld, type World } from './fixture.ts';

const authority = createAuthority('Test authority');
const folder = createFolder();
let server: TestServer;
let world: World;

// U+00AD is nothing to SASLprep, and U+2168 is IX.
const PASSWORD = 'I\u00adX \u2168';

beforeAll(async () => {
  const hba = [
    'hostssl all certified all cert',
    'host all certified all reject',
    'host all lettered all scram-sha-256',
  ];
  const tls = { ...authority.issue('server', ['localhost']), clientCa: authority.cert };
  server = await startPostgres({ tls, hba });
  await using database = await server.createDatabase();
  await database.sql.unsafe(`CREATE ROLE certified SUPERUSER LOGIN;
    CREATE ROLE lettered SUPERUSER LOGIN PASSWORD '${PASSWORD}'`);
  world = await openWorld();
}, 60_000);

afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await server.stop();
  folder[Symbol.dispose]();
});

/** How a run ends that logs in so, and what it prints. */
async function outcome(user: string, query: string, port = server.port) {
  await using database = await server.createDatabase();
  const uri = `postgres://${user}@localhost:${port}/${database.name}?${query}`;
  const { exitCode, text } = await world.run({ 'pg-conn': uri });
  return { exitCode, text };
}

const encodedPassword = encodeURIComponent(PASSWORD);

test('a password with other than ASCII logs in', async () => {
  const { exitCode, text } = await outcome(`lettered:${encodedPassword}`, '');
  expect({ exitCode, text }).toEqual({ exitCode: 0, text });
});

test('a login is bound to its TLS connection: somebody in between is found out', async () => {
  const query = 'sslmode=require&channel_binding=require&sslnegotiation=direct';
  const right = await outcome(`lettered:${encodedPassword}`, query);
  expect({ exitCode: right.exitCode, text: right.text }).toEqual({ exitCode: 0, text: right.text });
  const stranger = createAuthority('Another authority').issue('localhost');
  await using between = await interceptTls(server.port, stranger);
  const wrong = await outcome(`lettered:${encodedPassword}`, query, between.port);
  expect(wrong.exitCode).toBe(1);
  expect(wrong.text).toContain('LOGIN_REFUSED');
});

test('an encrypted client key is opened by sslpassword, and without it is no network problem', async () => {
  const client = authority.issue('certified');
  const cert = folder.write('client.crt', client.cert);
  const encrypted = createPrivateKey(client.key).export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'sesame',
  });
  const key = folder.write('client.key', String(encrypted));
  const query = `sslmode=require&sslcert=${cert}&sslkey=${key}`;
  const without = await outcome('certified', query);
  expect(without.exitCode).toBe(2);
  expect(without.text).toContain('is encrypted');
  expect(without.text).toContain('sslpassword=');
  const right = await outcome('certified', `${query}&sslpassword=sesame`);
  expect({ exitCode: right.exitCode, text: right.text }).toEqual({ exitCode: 0, text: right.text });
});
