import { afterAll, expect, test } from 'bun:test';
import { chmodSync, symlinkSync } from 'node:fs';
import { readConnection } from '../../../src/postgres/connection/connection.ts';
import { createAuthority } from '../../server/certificates.ts';
import { createFolder } from '../../server/folder.ts';

const folder = createFolder();
afterAll(() => folder[Symbol.dispose]());

/** The passwords that a passfile with `lines` gives for each host. */
function passwords(lines: readonly string[], uri: string): (string | undefined)[] {
  const PGPASSFILE = folder.write('pgpass', lines.join('\n'));
  const { hosts } = readConnection(uri, { HOME: folder.path, PGPASSFILE });
  return hosts.map((host) => host.password?.reveal());
}

test('the first line that fits is taken, * fits everything', () => {
  const lines = ['# h:5432:d:u:comment', 'h:5432:d:v:other', 'h:*:d:u:first', '*:*:*:*:second'];
  expect(passwords(lines, 'postgres://u@h/d')).toEqual(['first']);
  expect(passwords(lines, 'postgres://w@h/d')).toEqual(['second']);
  expect(passwords(['h:5432:d:u:p'], 'postgres://u@h:1/d')).toEqual([undefined]);
});

test('a backslash escapes : and \\, also in the password; a * within a field is a character', () => {
  const lines = [String.raw`h:5432:d\:e:a\\b:p\:q\\r`, 'h*:*:*:*:no'];
  expect(passwords(lines, 'postgres://a%5Cb@h/d%3Ae')).toEqual([String.raw`p:q\r`]);
  expect(passwords(['h:5432:d:u:a:b'], 'postgres://u@h/d')).toEqual(['a:b']);
  expect(passwords(lines, 'postgres://u@hh/d')).toEqual([undefined]);
});

test('lines may end as on Windows', () => {
  expect(passwords(['h:5432:d:u:p\r', ''], 'postgres://u@h/d')).toEqual(['p']);
});

test('each host has a password of its own', () => {
  expect(passwords(['a:*:*:*:pa', 'b:*:*:*:pb'], 'postgres://u@a,b/d')).toEqual(['pa', 'pb']);
});

test('a host is matched by its name, not by hostaddr; the default socket is localhost', () => {
  expect(passwords(['h:*:*:*:p'], 'postgres://u@h/d?hostaddr=1.2.3.4')).toEqual(['p']);
  expect(passwords(['localhost:*:*:*:p'], 'postgres://u@/d')).toEqual(['p']);
  expect(passwords(['/srv:*:*:*:p'], 'postgres://u@%2Fsrv/d')).toEqual(['p']);
});

test('~/.pgpass is read; a missing one is no matter', () => {
  folder.write('.pgpass', '*:*:*:*:home');
  const { hosts } = readConnection('postgres://u@h/d', { HOME: folder.path });
  expect(hosts[0]?.password?.reveal()).toBe('home');
  const none = readConnection('postgres://u@h/d', { HOME: '/nonexistent' });
  expect([none.hosts[0]?.password, none.warnings]).toEqual([undefined, []]);
});

test('a home that holds no files, as that of a service can be, is no matter either', () => {
  symlinkSync(`${folder.path}/loop`, `${folder.path}/loop`);
  for (const HOME of ['/dev/null', `${folder.path}/loop`]) {
    const { hosts, tls, warnings } = readConnection('postgres://u@h/d', { HOME });
    expect([hosts[0]?.password, tls.rootCertificates, warnings]).toEqual([
      undefined,
      undefined,
      [],
    ]);
  }
});

test('a passfile that others can read, or that is no file, is ignored with a warning', () => {
  const open = folder.write('open', '*:*:*:*:p', 0o640);
  for (const PGPASSFILE of [open, folder.path]) {
    const connection = readConnection('postgres://u@h/d', { HOME: folder.path, PGPASSFILE });
    expect(connection.hosts[0]?.password).toBeUndefined();
    expect(connection.warnings).toEqual([expect.stringContaining(PGPASSFILE)]);
  }
});

test('a private key that others can read is refused', () => {
  const client = createAuthority('Test authority').issue('client');
  const cert = folder.write('client.crt', client.cert);
  const key = folder.write('client.key', client.key);
  const uri = `postgres://u@h/d?sslcert=${cert}&sslkey=${key}`;
  const isRoots = process.getuid?.() === 0;
  for (const mode of isRoots ? [0o604, 0o660] : [0o604, 0o640]) {
    chmodSync(key, mode);
    expect(() => readConnection(uri, { HOME: folder.path })).toThrow('can be read by others');
  }
  chmodSync(key, isRoots ? 0o640 : 0o600);
  expect(readConnection(uri, { HOME: folder.path }).tls.client?.certificate).toBe(client.cert);
  expect(() => readConnection(`${uri}-no`, { HOME: folder.path })).toThrow('has no private key');
});
