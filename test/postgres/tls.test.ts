import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { ProjectorError } from '../../src/errors.ts';
import { cancelOnAbort } from '../../src/postgres/cancel-on-abort.ts';
import { readConnection } from '../../src/postgres/connection/connection.ts';
import { openCopy } from '../../src/postgres/copy-stream.ts';
import { connectPool } from '../../src/postgres/pool.ts';
import { SessionOpener } from '../../src/postgres/session-opener.ts';
import { createAuthority } from '../server/certificates.ts';
import { connectPostgres } from '../server/connect.ts';
import { createFolder } from '../server/folder.ts';
import { startPostgres, type TestServer } from '../server/server.ts';
import { sharedPostgres } from '../server/shared.ts';
import { interceptTls } from '../server/tls-interceptor.ts';

const authority = createAuthority('Test authority');
const stranger = createAuthority('Another authority');
const folder = createFolder();
const trusted = folder.write('root.crt', authority.cert);
const untrusted = folder.write('other.crt', stranger.cert);

let secure: TestServer;
let elsewhere: TestServer;
let plain: TestServer;

beforeAll(async () => {
  const settings = { password_encryption: 'scram-sha-256' };
  const tls = { ...authority.issue('server', ['localhost']), clientCa: authority.cert };
  // Logins of `tls_only` and `plain_only` are turned down on the other kind of connection.
  const hba = [
    'hostssl all tls_only all trust',
    'host all tls_only all reject',
    'hostnossl all plain_only all trust',
    'host all plain_only all reject',
    'hostssl all with_certificate all cert',
    'host all with_password all scram-sha-256',
    'host all trusted all trust',
    'host all all all trust',
  ];
  [secure, elsewhere, plain] = await Promise.all([
    startPostgres({ tls, hba, settings }),
    startPostgres({ tls: authority.issue('server', ['db.example.com']) }),
    sharedPostgres(),
  ]);
  const database = await secure.createDatabase();
  for (const role of ['tls_only', 'plain_only', 'with_certificate']) {
    await database.sql.unsafe(`CREATE ROLE ${role} LOGIN`);
  }
  await database.sql.unsafe(`CREATE ROLE trusted LOGIN;
    CREATE ROLE with_password LOGIN PASSWORD 'secret'`);
  await database.drop();
}, 60_000);

afterAll(async () => {
  await secure.stop();
  await elsewhere.stop();
  folder[Symbol.dispose]();
});

interface Attempt {
  readonly server: Pick<TestServer, 'port'>;
  readonly user?: string;
  readonly host?: string;
  /** Without HOME, so that the files of who runs the tests do not count. */
  readonly env?: Record<string, string>;
}

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const cipher = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc' } as const;

/** 'TLS' or 'clear text' for how it connected, or the code of the error. */
async function outcome(query: string, attempt: Attempt): Promise<string> {
  const { server, user = 'postgres', host = 'localhost', env = {} } = attempt;
  try {
    const uri = `postgres://${user}@${host}:${server.port}/postgres?${query}`;
    const connection = readConnection(uri, { HOME: folder.path, ...env });
    const sql = await connectPostgres(connection, { maxConnections: 1, applicationName: 'test' });
    const [row] = await sql`SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()`;
    await sql.end();
    return row?.['ssl'] ? 'TLS' : 'clear text';
  } catch (error) {
    return error instanceof ProjectorError ? error.code : String(error);
  }
}

describe('sslmode against a server', () => {
  // As "Table 34.1. SSL Mode Descriptions" has it: with TLS, without TLS.
  test.each([
    ['disable', 'clear text', 'clear text'],
    ['allow', 'clear text', 'clear text'],
    ['prefer', 'TLS', 'clear text'],
    ['require', 'TLS', 'TLS_FAILED'],
  ])('%s: with TLS %s, without %s', async (mode, withTls, without) => {
    expect(await outcome(`sslmode=${mode}`, { server: secure })).toBe(withTls);
    expect(await outcome(`sslmode=${mode}`, { server: plain, host: '127.0.0.1' })).toBe(without);
  });

  test('is prefer if nothing is said', async () => {
    expect(await outcome('', { server: secure })).toBe('TLS');
    expect(await outcome('', { server: plain, host: '127.0.0.1' })).toBe('clear text');
  });

  test('that turns down a login in clear text: allow tries TLS, disable does not', async () => {
    expect(await outcome('sslmode=allow', { server: secure, user: 'tls_only' })).toBe('TLS');
    expect(await outcome('sslmode=disable', { server: secure, user: 'tls_only' })).toBe(
      'LOGIN_REFUSED',
    );
  });

  test('that turns down a login by TLS: prefer tries clear text, require does not', async () => {
    expect(await outcome('sslmode=prefer', { server: secure, user: 'plain_only' })).toBe(
      'clear text',
    );
    expect(await outcome('sslmode=require', { server: secure, user: 'plain_only' })).toBe(
      'LOGIN_REFUSED',
    );
  });

  test('by a Unix socket is never encrypted, whatever sslmode says', async () => {
    const host = encodeURIComponent(secure.socketDirectory);
    expect(await outcome('sslmode=require', { server: secure, host })).toBe('clear text');
  });
});

describe('the server’s certificate', () => {
  const verifying = (mode: string, root: string) => `sslmode=${mode}&sslrootcert=${root}`;

  test.each(['verify-ca', 'verify-full', 'require', 'prefer'])(
    'of a known authority satisfies %s',
    async (mode) => {
      expect(await outcome(verifying(mode, trusted), { server: secure })).toBe('TLS');
    },
  );

  test.each(['verify-ca', 'verify-full', 'require'])(
    'of an unknown authority fails %s',
    async (mode) => {
      expect(await outcome(verifying(mode, untrusted), { server: secure })).toBe('TLS_FAILED');
    },
  );

  test('of an unknown authority makes prefer go on in clear text', async () => {
    expect(await outcome(verifying('prefer', untrusted), { server: secure })).toBe('clear text');
  });

  test('for another host satisfies verify-ca, and fails verify-full', async () => {
    expect(await outcome(verifying('verify-ca', trusted), { server: elsewhere })).toBe('TLS');
    expect(await outcome(verifying('verify-full', trusted), { server: elsewhere })).toBe(
      'TLS_FAILED',
    );
  });

  test('is held against the host, not against hostaddr', async () => {
    const query = `${verifying('verify-full', trusted)}&hostaddr=127.0.0.1`;
    expect(await outcome(query, { server: elsewhere, host: 'db.example.com' })).toBe('TLS');
    expect(await outcome(query, { server: secure, host: 'db.example.com' })).toBe('TLS_FAILED');
  });

  test('is held against an IP address too', async () => {
    expect(
      await outcome(verifying('verify-full', trusted), { server: secure, host: '127.0.0.1' }),
    ).toBe('TLS_FAILED');
  });

  test('is checked against the system’s list for sslrootcert=system', async () => {
    const query = 'sslrootcert=system';
    expect(await outcome(query, { server: secure })).toBe('TLS_FAILED');
    expect(await outcome(query, { server: secure, env: { SSL_CERT_FILE: trusted } })).toBe('TLS');
  });

  test('is checked against ~/.postgresql/root.crt if nothing else is said', async () => {
    using home = createFolder();
    const { mkdirSync, copyFileSync } = await import('node:fs');
    mkdirSync(`${home.path}/.postgresql`);
    copyFileSync(untrusted, `${home.path}/.postgresql/root.crt`);
    const env = { HOME: home.path };
    expect(await outcome('sslmode=require', { server: secure, env })).toBe('TLS_FAILED');
    copyFileSync(trusted, `${home.path}/.postgresql/root.crt`);
    expect(await outcome('sslmode=verify-full', { server: secure, env })).toBe('TLS');
  });
});

test('sslcert and sslkey log in by a client certificate', async () => {
  const client = authority.issue('with_certificate');
  const cert = folder.write('client.crt', client.cert);
  const key = folder.write('client.key', client.key);
  const attempt = { server: secure, user: 'with_certificate' };
  const files = `sslcert=${cert}&sslkey=${key}`;
  expect(await outcome(`sslmode=require&${files}`, attempt)).toBe('TLS');
  expect(await outcome('sslmode=require', attempt)).toBe('LOGIN_REFUSED');
  expect(await outcome(`sslmode=require&sslcertmode=disable&${files}`, attempt)).toBe(
    'LOGIN_REFUSED',
  );
});

describe('a client key', () => {
  const client = authority.issue('with_certificate');
  const cert = folder.write('pair.crt', client.cert);
  const passphrase = 'open sesame';
  const encrypted = createPrivateKey(client.key).export({ ...cipher, passphrase }) as string;
  const attempt = () => ({ server: secure, user: 'with_certificate' });
  const query = (key: string) => `sslmode=require&sslcert=${cert}&sslkey=${key}`;

  test('that is encrypted is opened by sslpassword', async () => {
    const key = folder.write('encrypted.key', encrypted);
    expect(await outcome(`${query(key)}&sslpassword=open%20sesame`, attempt())).toBe('TLS');
  });

  test.each([
    ['that is encrypted, without sslpassword', encrypted, '', 'is encrypted'],
    ['that sslpassword does not open', encrypted, '&sslpassword=hush', 'sslpassword does not open'],
    ['that is none', 'nonsense', '', 'is not a private key'],
    [
      'of another certificate',
      String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
      '',
      'is another',
    ],
  ])('%s is refused by name', (_, text, more, reason) => {
    const key = folder.write('refused.key', text);
    const uri = `postgres://u@localhost/d?${query(key)}${more}`;
    const refused = () => readConnection(uri, { HOME: folder.path });
    expect(refused).toThrow(reason);
    expect(refused).not.toThrow('hush');
  });
});

describe('channel_binding', () => {
  const env = { PGPASSWORD: 'secret' };
  const user = 'with_password';

  test('=require is satisfied by a login that is bound to its TLS connection', async () => {
    const query = 'sslmode=require&channel_binding=require';
    expect(await outcome(query, { server: secure, user, env })).toBe('TLS');
  });

  test.each([
    ['clear text', 'with_password', 'disable'],
    ['a server that asks for no password', 'trusted', 'require'],
  ])('=require is not satisfied by %s', async (_, name, mode) => {
    const query = `sslmode=${mode}&channel_binding=require`;
    expect(await outcome(query, { server: secure, user: name, env })).toBe('LOGIN_REFUSED');
  });

  // It has a certificate that nobody checks for sslmode=require.
  test.each([
    ['prefer', 'LOGIN_REFUSED'],
    ['disable', 'TLS'],
  ])('=%s, with somebody in between who has another certificate: %s', async (binding, expected) => {
    await using between = await interceptTls(secure.port, stranger.issue('localhost'));
    const query = `sslmode=require&sslnegotiation=direct&channel_binding=${binding}`;
    expect(await outcome(query, { server: between, user, env })).toBe(expected);
  });
});

test('sslnegotiation=direct speaks TLS at once with a server that can (17 and later)', async () => {
  expect(await outcome('sslmode=require&sslnegotiation=direct', { server: secure })).toBe('TLS');
  const query = 'sslmode=require&sslnegotiation=direct';
  expect(await outcome(query, { server: plain, host: '127.0.0.1' })).toBe('TLS_FAILED');
});

test.each(['TLSv1.2', 'TLSv1.3'])('the version of TLS can be bounded to %s', async (version) => {
  const bounds = `ssl_min_protocol_version=${version}&ssl_max_protocol_version=${version}`;
  const uri = `postgres://postgres@localhost:${secure.port}/postgres?sslmode=require&${bounds}`;
  const options = { maxConnections: 1, applicationName: 'test' };
  const sql = await connectPostgres(readConnection(uri, {}), options);
  const [row] = await sql`SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()`;
  await sql.end();
  expect(row?.['version']).toBe(version);
});

test.each(['sslmode=disable', 'sslmode=verify-full', 'sslmode=require&sslnegotiation=direct'])(
  'a statement is cancelled with %s, as the session is encrypted',
  async (query) => {
    const uri = `postgres://postgres@localhost:${secure.port}/postgres?${query}&sslrootcert=${trusted}`;
    const opener = new SessionOpener(readConnection(uri, {}), { applicationName: 'test' });
    const sql = await connectPool(opener, 1);
    const [row] = await sql`SELECT pg_backend_pid() AS pid`;
    const sleeping = sql`SELECT pg_sleep(600)`.execute();
    const stop = cancelOnAbort(() => opener.cancel(Number(row?.['pid'])), AbortSignal.timeout(50));
    expect(await sleeping.catch(({ code }) => code)).toBe('57014');
    await stop();
    expect([...(await sql`SELECT 1 AS one`)]).toEqual([{ one: 1 }]);
    await sql.end();
  },
);

test('a COPY goes through TLS whole', async () => {
  const connection = readConnection(
    `postgres://postgres@localhost:${secure.port}/postgres?sslmode=require`,
    {},
  );
  const sql = await connectPostgres(connection, { maxConnections: 1, applicationName: 'test' });
  await sql`CREATE TEMPORARY TABLE lines (line text)`;
  const chunk = Buffer.from(`${'x'.repeat(99)}\n`.repeat(10_000));
  const rows = await sql.begin(async (tx) => {
    const copy = await openCopy(tx, 'COPY lines FROM STDIN');
    for (let at = 0; at < 10; at += 1) await copy.write(chunk);
    return copy.finish();
  });
  const [sum] = await sql`SELECT count(*), sum(length(line)) FROM lines WHERE line ~ '^x+$'`;
  await sql.end();
  expect(rows).toBe(100_000);
  expect({ ...sum }).toEqual({ count: '100000', sum: '9900000' });
});
