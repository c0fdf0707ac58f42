import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { newSecrets } from '../../src/report/secrets.ts';

test('no text holds a hidden secret, whatever characters it has', () => {
  const secretText = fc.string({ minLength: 6, maxLength: 12, unit: 'grapheme' });
  fc.assert(
    fc.property(secretText, fc.string(), fc.string(), (secret, before, after) => {
      fc.pre(!secret.includes('*') && !secret.includes('%'));
      const secrets = newSecrets();
      secrets.hide(secret);
      expect(secrets.mask(`${before}<${secret}>${after}`)).not.toContain(secret);
      expect(secrets.mask(secret)).toBe('***');
    }),
  );
});

test('a secret is masked percent-encoded as well', () => {
  const secrets = newSecrets();
  secrets.hide('p@ss/wörd');
  expect(secrets.mask(`://u:${encodeURIComponent('p@ss/wörd')}@h`)).toBe('://u:***@h');
});

test('a short secret is masked where it stands alone, and other words stay readable', () => {
  const secrets = newSecrets();
  secrets.hide('pg');
  expect(secrets.mask('pg_table at postgres://u:pg@h')).toBe('pg_table at postgres://u:***@h');
});

test('of two secrets, one within the other, nothing is left over', () => {
  const secrets = newSecrets();
  secrets.hide('secret');
  secrets.hide('secretary');
  expect(secrets.mask('secretary secret')).toBe('*** ***');
});

test('an empty secret hides nothing', () => {
  const secrets = newSecrets();
  secrets.hide('');
  expect(secrets.mask('text')).toBe('text');
});
