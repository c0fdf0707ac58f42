import { describe, expect, test } from 'bun:test';
import { ProjectorError } from '../../../src/errors.ts';
import { readConnection } from '../../../src/postgres/connection/connection.ts';

const HOME = { HOME: '/nonexistent' };
const read = (text: string, env: Record<string, string> = {}) =>
  readConnection(text, { ...HOME, ...env });

/** The hosts as `name:port`. */
const hosts = (text: string, env: Record<string, string> = {}) =>
  read(text, env).hosts.map((host) => `${host.name}:${host.port}`);

/** Message and advice of the refusal. */
function refusal(text: string, env: Record<string, string> = {}): string {
  try {
    read(text, env);
  } catch (error) {
    if (!(error instanceof ProjectorError)) throw error;
    expect([error.code, error.exitCode]).toEqual(['BAD_CONNECTION_STRING', 2]);
    return `${error.message} ${error.hint}`;
  }
  return 'it was accepted';
}

describe('a URI', () => {
  test('of either scheme gives user, password, host, port and database', () => {
    for (const scheme of ['postgres', 'postgresql']) {
      const connection = read(`${scheme}://anna:se%3Acret@db.example.com:6000/shop`);
      expect(connection.user).toBe('anna');
      expect(connection.hosts[0]?.password?.reveal()).toBe('se:cret');
      expect(connection.label).toBe('anna@db.example.com:6000/shop');
    }
  });

  test('is percent-decoded in every part, and + stays +', () => {
    const connection = read('postgres://a%40b:%20+%20@h/d%2Fe?application_name=x%26y+z');
    expect(connection.user).toBe('a@b');
    expect(connection.hosts[0]?.password?.reveal()).toBe(' + ');
    expect(connection.database).toBe('d/e');
    expect(connection.applicationName).toBe('x&y+z');
  });

  test('without a user or database takes the user of the system, and the user’s name', () => {
    const { stdout } = Bun.spawnSync(['id', '-un']);
    expect(read('postgres://h').user).toBe(String(stdout).trim());
    expect(read('postgres://bob@h').database).toBe('bob');
    expect(read('postgres://bob@h/').database).toBe('bob');
  });

  test('can name several hosts, each with its port, or IPv6 addresses', () => {
    expect(hosts('postgres://u@a:1,b,c:3/d')).toEqual(['a:1', 'b:5432', 'c:3']);
    expect(hosts('postgres://u@[::1]:7,[2001:db8::2]/d')).toEqual(['::1:7', '2001:db8::2:5432']);
  });

  test('can have everything in its query, which goes before what stands elsewhere', () => {
    expect(hosts('postgres:///d?host=a,b&port=7')).toEqual(['a:7', 'b:7']);
    expect(hosts('postgres://u@x:1/d?host=a&port=2')).toEqual(['a:2']);
    expect(read('postgres://u:p@h/d?user=v&password=q&dbname=e').label).toBe('v@h:5432/e');
  });

  test('without a host leads to a Unix socket', () => {
    const [host] = read('postgres:///d').hosts;
    expect(host?.isUnixSocket).toBe(true);
    expect(host?.name).toStartWith('/');
    expect(read('postgres://%2Fvar%2Frun/d').hosts[0]).toMatchObject({
      name: '/var/run',
      isUnixSocket: true,
    });
  });

  test('may connect elsewhere by hostaddr', () => {
    const [host] = read('postgres://db.example.com/d?hostaddr=10.0.0.7').hosts;
    expect(host).toMatchObject({ name: 'db.example.com', address: '10.0.0.7' });
  });

  test('with load_balance_hosts=random has the same hosts in some order', () => {
    expect(hosts('postgres://a,b,c/d?load_balance_hosts=random').toSorted()).toEqual([
      'a:5432',
      'b:5432',
      'c:5432',
    ]);
  });
});

test('key=value pairs say the same as a URI, quotes and backslashes included', () => {
  const connection = read(
    String.raw`host=db.example.com port = 6000 user=anna password='it\'s \\ so' dbname=''`,
  );
  expect(connection.label).toBe('anna@db.example.com:6000/anna');
  expect(connection.hosts[0]?.password?.reveal()).toBe(String.raw`it's \ so`);
});

test('a quoted value of key=value pairs needs no space after it', () => {
  expect(read("host='a b'port=7 user=u").label).toBe('u@a b:7/u');
});

test('the environment says what the connection string does not', () => {
  const env = {
    PGHOST: 'eh',
    PGPORT: '7',
    PGUSER: 'eu',
    PGDATABASE: 'ed',
    PGSSLMODE: 'disable',
    PGCONNECT_TIMEOUT: '9',
  };
  const connection = read('postgres://', env);
  expect(connection.label).toBe('eu@eh:7/ed');
  expect(connection.tls.mode).toBe('disable');
  expect(connection.connectTimeoutMs).toBe(9000);
  expect(read('postgres://u@h:1/d?sslmode=require', env).label).toBe('u@h:1/d');
});

test('timeouts and keepalives are read, and have values that suit a scheduled run', () => {
  expect(read('postgres://h').connectTimeoutMs).toBe(30_000);
  expect(read('postgres://h?connect_timeout=0').connectTimeoutMs).toBe(0);
  expect(read('postgres://h').keepAliveSeconds).toBe(0);
  expect(read('postgres://h?keepalives_idle=60').keepAliveSeconds).toBe(60);
  expect(read('postgres://h?keepalives=0').keepAliveSeconds).toBeUndefined();
});

describe('what cannot be honoured is refused by name:', () => {
  test.each([
    'sslcrl=x',
    'sslcrldir=x',
    'gssencmode=require',
    'require_auth=scram-sha-256',
    'requirepeer=postgres',
    'service=x',
    'sslcertmode=require',
    'replication=database',
    'client_encoding=LATIN1',
    'keepalives_interval=5',
    'tcp_user_timeout=5',
    'ssl_min_protocol_version=TLSv1',
    'krbsrvname=x',
    'oauth_issuer=x',
    'sslkeylogfile=x',
  ])('%s', (pair) => {
    const told = refusal(`postgres://h/d?${pair}`);
    expect(told).toContain(pair.split('=')[0] ?? '');
    expect(told).toContain('is refused: ');
  });

  test('the same in the environment, by the variable’s name', () => {
    expect(refusal('postgres://h', { PGGSSENCMODE: 'require' })).toContain(
      'PGGSSENCMODE=require is refused',
    );
    expect(refusal('postgres://h', { PGSERVICE: 'x' })).toContain('PGSERVICE is refused');
  });
});

describe('what is wrong is told with what to write instead:', () => {
  test.each([
    ['postgres://h/d?sslmod=require', 'Did you mean sslmode?'],
    ['postgres://h/d?SSLMODE=require', 'Did you mean sslmode?'],
    ['postgres://h/d?pool_size=5', 'Leave pool_size out.'],
    [
      'postgres://h/d?sslmode=verify_full',
      'Write one of disable, allow, prefer, require, verify-ca, verify-full.',
    ],
    [
      'postgres://h/d?target_session_attrs=rw',
      'target_session_attrs=rw is not one of any, read-write',
    ],
    ['postgres://h/d?sslmode=', 'sslmode= is not one of disable'],
    ['postgres://h/d?sslmode', 'Write sslmode=VALUE.'],
    ['postgres://h/d?options=-c%20a=b', 'Write %3D for an = within a value.'],
    ['postgres://h:x/d', 'a port is not a number from 1 to 65535'],
    ['postgres://h:70000/d', 'a port is not a number from 1 to 65535'],
    ['postgres://a,b,c/d?port=1,2', '3 hosts, but 2 ports'],
    ['postgres://a,b/d?hostaddr=1.2.3.4', '2 hosts, but 1 addresses'],
    ['postgres://h/d%zz', 'Write %25 for a % sign.'],
    ['postgres://h/d%00', 'Write %25 for a % sign.'],
    ['postgres://h/d%ff', 'Percent-encode UTF-8 bytes.'],
    ['postgres://[::1/d', 'the IPv6 address in [ ]'],
    ['postgres://h/d?connect_timeout=soon', 'connect_timeout=soon is not a whole number'],
    ['postgres://h/d?sslmode=verify-full', 'Write sslrootcert=FILE'],
    ['postgres://h/d?sslmode=verify-ca&sslrootcert=/nonexistent', '/nonexistent does not exist'],
    ['postgres://h/d?sslmode=require&sslrootcert=system', 'Write sslmode=verify-full.'],
    ['postgres://h/d?sslnegotiation=direct', 'Write sslmode=require'],
    ['postgres://@abstract/d?host=@abstract', 'abstract Unix sockets are refused'],
    ['mysql://h/d', 'mysql:// is not PostgreSQL'],
    ['h:5432/d', 'not a connection URI'],
    ['', 'not a connection URI'],
    ["host=h password='x", 'the parameter after host cannot be read'],
  ])('%s', (text, told) => {
    expect(refusal(text)).toContain(told);
  });
});

test('no refusal tells a password, however the string is mangled', () => {
  const secret = 'hush';
  for (const text of [
    `postgres://u:${secret}@h/d?sslmod=x`,
    `postgres://u:${secret}@h:port/d`,
    `postgres://u:${secret}/@h/d`,
    `postgres://u:${secret}@${secret}@h/d`,
    `postgres://u:[${secret}@h/d`,
    `postgres://u:%${secret}@h/d`,
    `postgres://u:%ff${secret}@h/d`,
    `postgres://u:${secret}#@h/d?x`,
    `postgres://u@h/d?password=%${secret}`,
    `postgres://u@h/d?password=a=${secret}`,
    `host=h password=${secret} x`,
    `host=h password='${secret}`,
    `mysql://u:${secret}@h/d`,
    `${secret}`,
  ]) {
    expect(refusal(text)).not.toContain(secret);
  }
});
