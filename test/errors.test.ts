import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { messageOf } from '../src/errors.ts';

/** An error of Google's HTTP client: its answer is an object, and its request holds a token. */
function answered(message: string, data: unknown): Error {
  const config = { headers: { authorization: 'Bearer ya29.secret' } };
  return Object.assign(new Error(message), { config, response: { config, status: 400, data } });
}

describe('what is thrown has a message, never [object Object]:', () => {
  test.each<[string, unknown, string]>([
    ['an error', new Error('it failed'), 'it failed'],
    ['a text', 'it failed', 'it failed'],
    ['nothing', undefined, 'undefined'],
    ['an object with a message', { message: 'it failed', token: 'secret' }, 'it failed'],
    ['an object without words', { token: 'secret' }, 'an error without a message'],
    ['an error without words', new Error(''), 'Error'],
    ['a code', Object.assign(new Error(''), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
    [
      'several errors',
      new AggregateError([new Error('a'), new Error('b'), new Error('a')]),
      'a; b',
    ],
    [
      'an answer of OAuth',
      answered('[object Object]', { error: 'invalid_grant', error_description: 'expired' }),
      'expired',
    ],
    [
      'an answer of a Google API',
      answered('Error code [object Object]', { error: { code: 403, message: 'denied' } }),
      'denied',
    ],
  ])('%s', (_what, thrown, message) => {
    expect(messageOf(thrown)).toBe(message);
  });

  test('an error that refers to itself', () => {
    const error: { cause?: unknown; error?: unknown } = {};
    error.error = error;
    expect(messageOf(error)).toBe('an error without a message');
  });
});

test('a message can be shown by any terminal, and stored by any database', () => {
  expect(messageOf(new Error('a\0b\u001b[2Jc\ud800d\r\ne\tf\u009b'))).toBe(
    'a\\u0000b\\u001b[2Jc\\ud800d\ne\tf\\u009b',
  );
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const message = messageOf(new Error(text));
      expect(message).not.toMatch(/[^\P{Cc}\n\t]/u);
      expect(message.isWellFormed()).toBe(true);
    }),
  );
});
