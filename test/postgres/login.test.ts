import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { ProjectorError } from '../../src/errors.ts';
import { type Connection, readConnection } from '../../src/postgres/connection/connection.ts';
import { startProxy } from '../faults/proxy.ts';
import { connectPostgres } from '../server/connect.ts';
import { createFolder } from '../server/folder.ts';
import { startPostgres, type TestServer } from '../server/server.ts';

// Characters that mean something in URIs, passfiles and conninfo strings.
const PASSWORD = "p@ss:w/o\\rd %'é";
const folder = createFolder();
let server: TestServer;

beforeAll(async () => {
  const hba = [
    'host all by_md5 all md5',
    'host all by_clear_text all password',
    'local all by_socket scram-sha-256',
  ];
  const iam = 'host all "sa@project.iam" all password';
  server = await startPostgres({ auth: 'scram-sha-256', hba: [...hba, iam] });
  const { sql, drop } = await server.createDatabase();
  const quoted = PASSWORD.replaceAll("'", "''");
  for (const role of ['by_scram', 'by_clear_text', 'by_socket', '"sa@project.iam"']) {
    await sql.unsafe(`CREATE ROLE ${role} LOGIN PASSWORD '${quoted}'`);
  }
  await sql.unsafe(`CREATE ROLE by_other_letters LOGIN PASSWORD 'I\u00adX \u2168';
    CREATE ROLE by_unassigned LOGIN PASSWORD 'a\u0221b'`);
  await sql.unsafe(`SET password_encryption = md5; CREATE ROLE by_md5 LOGIN PASSWORD '${quoted}'`);
  await drop();
}, 60_000);

afterAll(async () => {
  await server.stop();
  folder[Symbol.dispose]();
});

const OPTIONS = { maxConnections: 1, applicationName: 'login test' };

/** The name of the user that got in, or the error's code and message. */
async function login(connection: Connection, accessToken?: () => Promise<string>): Promise<string> {
  try {
    const sql = await connectPostgres(connection, {
      ...OPTIONS,
      ...(accessToken && { accessToken }),
    });
    const [row] = await sql`SELECT current_user AS name`;
    await sql.end();
    return String(row?.['name']);
  } catch (error) {
    if (!(error instanceof ProjectorError)) throw error;
    return `${error.code}: ${error.message} ${error.hint}`;
  }
}

const place = () => `127.0.0.1:${server.port}/postgres`;
const read = (uri: string, env: Record<string, string> = {}) =>
  readConnection(uri, { HOME: folder.path, ...env });

describe('a password', () => {
  test.each(['by_scram', 'by_md5', 'by_clear_text'])('in the URI lets %s in', async (user) => {
    const uri = `postgres://${user}:${encodeURIComponent(PASSWORD)}@${place()}`;
    expect(await login(read(uri))).toBe(user);
  });

  test('in PGPASSWORD lets a user in', async () => {
    const env = { PGPASSWORD: PASSWORD };
    expect(await login(read(`postgres://by_scram@${place()}`, env))).toBe('by_scram');
  });

  test('in the passfile lets a user in, and PGPASSWORD goes before it', async () => {
    const escaped = PASSWORD.replaceAll('\\', '\\\\').replaceAll(':', '\\:');
    const path = folder.write('pgpass', `127.0.0.1:${server.port}:*:by_scram:${escaped}\n`);
    const uri = `postgres://by_scram@${place()}`;
    expect(await login(read(uri, { PGPASSFILE: path }))).toBe('by_scram');
    expect(await login(read(uri, { PGPASSFILE: path, PGPASSWORD: 'wrong' }))).toContain(
      'LOGIN_REFUSED',
    );
  });

  test('in a passfile that others can read is ignored, and the error says so', async () => {
    const path = folder.write('open', `*:*:*:*:secret\n`);
    const { chmodSync } = await import('node:fs');
    chmodSync(path, 0o644);
    const told = await login(read(`postgres://by_scram@${place()}`, { PGPASSFILE: path }));
    expect(told).toContain('LOGIN_REFUSED');
    expect(told).toContain(`chmod 0600 ${path}`);
  });

  test('lets a user in by a Unix socket, however its directory is written', async () => {
    const encoded = encodeURIComponent(PASSWORD);
    const directory = encodeURIComponent(server.socketDirectory);
    const uris = [
      `postgres://by_socket:${encoded}@${directory}:${server.port}/postgres`,
      `postgres://by_socket:${encoded}@/postgres?host=${server.socketDirectory}&port=${server.port}`,
    ];
    for (const uri of uris) expect(await login(read(uri))).toBe('by_socket');
  });

  // U+00AD is nothing to SASLprep, U+2168 is IX, and U+00A0 a space; the server has kept it so.
  test.each([
    ['as it was set', 'I\u00adX \u2168'],
    ['as somebody else types it', 'IX\u00a0IX'],
    ['in its plain form', 'IX IX'],
  ])('with other than ASCII lets a user in: %s', async (_, password) => {
    const uri = `postgres://by_other_letters:${encodeURIComponent(password)}@${place()}`;
    expect(await login(read(uri))).toBe('by_other_letters');
  });

  test('that SASLprep does not allow is taken as it is, as the server does', async () => {
    const uri = `postgres://by_unassigned:${encodeURIComponent('a\u0221b')}@${place()}`;
    expect(await login(read(uri))).toBe('by_unassigned');
  });

  test('that is missing is asked for by name', async () => {
    const told = await login(read(`postgres://by_scram@${place()}`));
    expect(told).toStartWith('LOGIN_REFUSED');
    expect(told).toContain('PGPASSWORD');
  });

  test('that is wrong is never told', async () => {
    const uri = `postgres://by_scram:${encodeURIComponent('hush hush')}@${place()}`;
    const connection = read(uri);
    const error = await connectPostgres(connection, OPTIONS).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'LOGIN_REFUSED' });
    for (const shown of [error, connection]) {
      expect(Bun.inspect(shown, { depth: 20 })).not.toContain('hush');
    }
    expect(JSON.stringify(connection)).not.toContain('hush');
  });

  test('does not show in the pool', async () => {
    const uri = `postgres://by_scram:${encodeURIComponent(PASSWORD)}@${place()}`;
    const sql = await connectPostgres(read(uri), OPTIONS);
    expect(Bun.inspect(sql.options, { depth: 20 })).not.toContain(PASSWORD.slice(0, 5));
    await sql.end();
  });
});

describe('an IAM user', () => {
  const uri = () => `postgres://sa%40project.iam@${place()}`;

  test('logs in by an access token, fetched anew for each connection', async () => {
    let fetched = 0;
    const accessToken = async () => {
      fetched += 1;
      return PASSWORD;
    };
    const sql = await connectPostgres(read(uri()), { ...OPTIONS, maxConnections: 3, accessToken });
    const one = () => sql`SELECT pg_sleep(0.05)`;
    await Promise.all([one(), one(), one()]);
    await sql.end();
    expect(fetched).toBe(3);
  });

  test('is told when no token can be had', async () => {
    const accessToken = () => Promise.reject(new Error('no credentials'));
    expect(await login(read(uri()), accessToken)).toContain('NO_ACCESS_TOKEN');
  });

  test('who has a password logs in by it', async () => {
    const connection = read(uri(), { PGPASSWORD: PASSWORD });
    expect(connection.needsIamToken).toBe(false);
    expect(await login(connection)).toBe('sa@project.iam');
  });

  test('whose server cannot be reached by TLS sends no token there', async () => {
    const elsewhere = 'postgres://sa%40project.iam@db.example.com/x';
    expect(read(elsewhere).tls.mode).toBe('require');
    expect(() => read(`${elsewhere}?sslmode=disable`)).toThrow(
      'sslmode=disable would send an access token',
    );
  });
});

describe('a list of hosts', () => {
  const credentials = `by_scram:${encodeURIComponent(PASSWORD)}`;
  const uri = (hosts: string, query = '') => `postgres://${credentials}@${hosts}/postgres?${query}`;

  test('is tried in order: a dead host is passed over', async () => {
    expect(await login(read(uri(`127.0.0.1:1,localhost:${server.port}`)))).toBe('by_scram');
    expect(await login(read(uri(`no-such-host.invalid:5432,127.0.0.1:${server.port}`)))).toBe(
      'by_scram',
    );
  });

  test('ends at the first server that answers, even by turning the login down', async () => {
    const hosts = `127.0.0.1:${server.port},127.0.0.1:1`;
    const told = await login(read(`postgres://by_scram:wrong@${hosts}/postgres`));
    expect(told).toStartWith('LOGIN_REFUSED');
    expect(told).not.toContain('127.0.0.1:1:');
  });

  test('is walked at each connection: another host takes the place of one that went away', async () => {
    await using proxy = await startProxy(server.port);
    const first = new URL(proxy.through(`x://127.0.0.1:${server.port}/`)).host;
    const sql = await connectPostgres(read(uri(`${first},127.0.0.1:${server.port}`)), OPTIONS);
    proxy.refuse(true);
    proxy.cut();
    while ((await sql`SELECT 1`.catch(() => [])).length === 0) await Bun.sleep(1);
    expect([proxy.opened, proxy.open]).toEqual([1, 0]);
    await sql.end();
  });

  test('is walked from the host of the last session on', async () => {
    await using proxy = await startProxy(server.port);
    proxy.refuse(true);
    const first = new URL(proxy.through(`x://127.0.0.1:${server.port}/`)).host;
    const hosts = `${first},127.0.0.1:${server.port}`;
    const sql = await connectPostgres(read(uri(hosts)), { ...OPTIONS, maxConnections: 2 });
    proxy.refuse(false);
    await Promise.all([sql`SELECT pg_sleep(0.05)`, sql`SELECT pg_sleep(0.05)`]);
    expect(proxy.opened).toBe(0);
    await sql.end();
  });

  test('with nobody there tells what each attempt met', async () => {
    const told = await login(read(uri('127.0.0.1:1,127.0.0.1:2')));
    expect(told).toStartWith('UNREACHABLE');
    expect(told).toContain('127.0.0.1:1: ');
    expect(told).toContain('127.0.0.1:2: ');
  });

  test.each(['any', 'read-write', 'primary', 'prefer-standby'])(
    'lets a primary pass for target_session_attrs=%s',
    async (target) => {
      expect(
        await login(read(uri(`127.0.0.1:${server.port}`, `target_session_attrs=${target}`))),
      ).toBe('by_scram');
    },
  );

  test.each(['read-only', 'standby'])(
    'lets no primary pass for target_session_attrs=%s',
    async (target) => {
      const told = await login(
        read(uri(`127.0.0.1:${server.port}`, `target_session_attrs=${target}`)),
      );
      expect(told).toStartWith('WRONG_SERVER');
      expect(told).toContain(`target_session_attrs asks for ${target}`);
    },
  );

  test('lets no read-only session pass for target_session_attrs=read-write', async () => {
    const query = 'target_session_attrs=read-write&options=-c%20default_transaction_read_only%3Don';
    expect(await login(read(uri(`127.0.0.1:${server.port}`, query)))).toContain(
      'asks for read-write',
    );
  });
});

describe('a session', () => {
  const uri = (query: string) =>
    `postgres://by_scram:${encodeURIComponent(PASSWORD)}@${place()}?${query}`;
  const show = async (query: string, env: Record<string, string>, setting: string) => {
    const sql = await connectPostgres(read(uri(query), env), OPTIONS);
    const [row] = await sql`SELECT current_setting(${setting}) AS value`;
    await sql.end();
    return row?.['value'];
  };

  test('has the options of the URI, or those of PGOPTIONS', async () => {
    expect(await show('options=-c%20work_mem%3D7MB', {}, 'work_mem')).toBe('7MB');
    expect(await show('', { PGOPTIONS: '-c work_mem=8MB' }, 'work_mem')).toBe('8MB');
  });

  test('has the application name of the URI, of PGAPPNAME, or of the program', async () => {
    const env = { PGAPPNAME: 'environment' };
    expect(await show('application_name=uri', env, 'application_name')).toBe('uri');
    expect(await show('', env, 'application_name')).toBe('environment');
    expect(await show('', {}, 'application_name')).toBe('login test');
  });
});

describe('a session whose role has defaults for people', () => {
  const show = async (setting: string, value: string, user: string) => {
    const { sql, drop } = await server.createDatabase();
    await sql.unsafe(`ALTER ROLE ${user} SET ${setting} = '${value}'`);
    const encoded = encodeURIComponent(PASSWORD);
    const pool = await connectPostgres(read(`postgres://${user}:${encoded}@${place()}`), OPTIONS);
    const [row] = await pool`SELECT current_setting(${setting}) AS value`;
    await pool.end();
    await sql.unsafe(`ALTER ROLE ${user} RESET ${setting}`);
    await drop();
    return row?.['value'];
  };

  test.each([
    ['synchronous_commit', 'off', 'on'],
    ['synchronous_commit', 'local', 'on'],
    ['synchronous_commit', 'remote_write', 'on'],
    ['synchronous_commit', 'remote_apply', 'remote_apply'],
    ['statement_timeout', '1s', '0'],
    ['transaction_timeout', '1h', '0'],
    ['idle_session_timeout', '1h', '0'],
    ['DateStyle', 'German', 'ISO, DMY'],
    ['client_connection_check_interval', '0', '5s'],
  ])('has %s = %s as %s', async (setting, value, expected) => {
    expect(await show(setting, value, 'by_scram')).toBe(expected);
  });

  test('has messages in English where the role may choose, and logs in where it may not', async () => {
    const { sql, drop } = await server.createDatabase();
    const encoded = encodeURIComponent(PASSWORD);
    const language = async () => {
      const uri = `postgres://by_clear_text:${encoded}@${place()}`;
      const pool = await connectPostgres(read(uri), OPTIONS);
      const [row] = await pool`SELECT source FROM pg_settings WHERE name = 'lc_messages'`;
      await pool.end();
      return row?.['source'];
    };
    expect(await language()).not.toBe('session');
    await sql`GRANT SET ON PARAMETER lc_messages TO by_clear_text`;
    expect(await language()).toBe('session');
    await drop();
  });
});

test('a server that does not answer is given up after connect_timeout', async () => {
  const { createServer } = await import('node:net');
  const silent = createServer(() => undefined);
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const address = silent.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  for (const mode of ['disable', 'require']) {
    const uri = `postgres://u@127.0.0.1:${port}/d?connect_timeout=1&sslmode=${mode}`;
    expect(await login(read(uri))).toStartWith('UNREACHABLE');
  }
  silent.close();
});

test('a database that does not exist, and a server that is full, are told with what to do', async () => {
  const uri = `postgres://by_scram:${encodeURIComponent(PASSWORD)}@127.0.0.1:${server.port}`;
  expect(await login(read(`${uri}/nowhere`))).toStartWith('NO_SUCH_DATABASE');
  const { sql, drop } = await server.createDatabase();
  await sql`ALTER ROLE by_scram CONNECTION LIMIT 0`;
  expect(await login(read(`${uri}/postgres`))).toStartWith('TOO_MANY_CONNECTIONS');
  await sql`ALTER ROLE by_scram CONNECTION LIMIT -1`;
  await drop();
});
