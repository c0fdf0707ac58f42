import { readTokens } from './tokens.ts';

/**
 * Whether a word of the command line may hold a password: one of the key `password` or `sslpassword`,
 * also percent-encoded, or one between user and host of a URI. A colon before a port is no password,
 * unless an @ follows.
 */
export function mayHoldPassword(word: string): boolean {
  if (/password|[?&][^=&]*%/i.test(word)) return true;
  const [, uri = ''] = /:\/\/(.*)/s.exec(word) ?? [];
  const withoutIPv6 = uri.replaceAll(/\[[\da-f:.]*\]/gi, '');
  return /:.*@/s.test(uri) || /:(?!\d*(?:[/?,]|$))/.test(withoutIPv6);
}

/**
 * The command line as the system may show it: flags as they were given, `***` in place of the connection
 * string, and nothing of what is no flag or no value of one.
 */
export function shownWords(words: readonly string[]): readonly string[] {
  const isConnection = (word: string) => word.startsWith('--pg-conn=');
  return readTokens(words).accepted.map((word) => (isConnection(word) ? '--pg-conn=***' : word));
}
