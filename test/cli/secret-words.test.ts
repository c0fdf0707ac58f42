import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { mayHoldPassword, shownWords } from '../../src/cli/secret-words.ts';
import { readConnection } from '../../src/postgres/connection/connection.ts';

/** The secrets that are read from a connection string; none where it cannot be read. */
function secretsOf(uri: string) {
  try {
    const { hosts, tls } = readConnection(uri, { PGPASSFILE: '/nowhere' });
    const secrets = [...hosts.map(({ password }) => password), tls.client?.passphrase];
    return secrets.filter((secret) => secret !== undefined);
  } catch {
    return [];
  }
}

describe('what may hold a password:', () => {
  test.each([
    'postgresql://u:secret@h/db',
    'postgres://u:123@h',
    'postgres://u:12/34@h/db',
    'postgres://u:secret',
    'postgres://[::1]:5432/db?password=x',
    'postgres://h/db?p%61ssword=x',
    'postgres://h/db?sslpassword=x',
    'host=h PassWord = x',
    '--pg-con=postgres://u:secret@h/db',
  ])('%s', (word) => {
    expect(mayHoldPassword(word)).toBe(true);
  });

  test.each([
    'postgresql://loader@10.1.2.3/warehouse?sslmode=verify-ca&sslrootcert=server-ca.pem',
    'postgresql://loader@10.1.2.3:5432/warehouse',
    'postgresql://loader%40project.iam@10.1.2.3,10.1.2.4:6432/warehouse',
    'postgresql://[fe80::1]:5432,[::1]/db',
    'postgres://h:5432',
    'host=h port=5432 user=u',
    'example.com:project.analytics',
    'gs://bucket',
  ])('not %s', (word) => {
    expect(mayHoldPassword(word)).toBe(false);
  });

  test('whatever a password is read from', () => {
    const part = fc.constantFrom(
      ...['postgres://', 'u', ':', 'pw', '12', '@', 'h', '/', '?', '&', '=', 'password', '[::1]'],
      ...['host=h', ' ', 'sslpassword', '%61', ',', "'", 'passwor%64', 'dbname'],
    );
    const text = fc.array(part, { maxLength: 12 }).map((parts) => parts.join(''));
    const uri = fc.oneof(
      text,
      text.map((rest) => `postgres://${rest}`),
    );
    fc.assert(
      fc.property(uri, (typed) => {
        if (!mayHoldPassword(typed)) expect(secretsOf(typed)).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('what ps may show:', () => {
  test('the flags, and asterisks in place of the connection', () => {
    expect(
      shownWords(['--bq-table', 't', '--pg-conn', 'postgres://u:p@h', '--gcs-bucket=b']),
    ).toEqual(['--bq-table=t', '--pg-conn=***', '--gcs-bucket=b']);
  });

  test.each([
    ['a misspelt flag', ['--pg-con=postgres://u:hunter2@h']],
    ['another flag', ['--pg-table', 'postgres://u:hunter2@h']],
    ['no flag', ['postgres://u:hunter2@h']],
    [
      'the rest of a password that a shell has split',
      ['--pg-conn', 'postgres://u:a', 'hunter2@h/db'],
    ],
  ])('nothing of %s', (_what, words) => {
    expect(shownWords(words).join()).not.toContain('hunter2');
  });
});
