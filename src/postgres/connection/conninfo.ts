import { isSecret, refuse, restOfSecret } from './refusal.ts';

/** Parameters by libpq's names, as they were written, not yet checked. */
export type Conninfo = Map<string, string>;

const EXAMPLE = 'Write postgresql://user@host:5432/database?sslmode=verify-full.';

/**
 * Reads a connection string in either of libpq's forms, a URI or `key=value` pairs. The rules are
 * those of "34.1.1. Connection Strings" of the PostgreSQL manual; the WHATWG URL parser knows
 * neither host lists nor a missing host, and takes `+` for a space.
 */
export function parseConnectionString(text: string): Conninfo {
  const uri = /^postgres(?:ql)?:\/\/(.*)$/su.exec(text);
  if (uri !== null) return parseUri(uri[1] ?? '');
  if (/^\s*\w+\s*=/u.test(text)) return parseKeyValues(text);
  const scheme = /^(\w[\w+.-]*):\/\//u.exec(text)?.[1];
  const problem = scheme === undefined ? 'not a connection URI' : `${scheme}:// is not PostgreSQL`;
  throw refuse(problem, EXAMPLE);
}

/** `[user[:password]@][host[:port][,...]][/dbname][?name=value[&...]]` */
function parseUri(text: string): Conninfo {
  const conninfo: Conninfo = new Map();
  const userinfo = /^([^:@/?]*)(?::([^@/]*))?@/u.exec(text);
  store(conninfo, 'user', userinfo?.[1]);
  store(conninfo, 'password', userinfo?.[2]);
  let rest = text.slice(userinfo?.[0].length ?? 0);

  const hosts: string[] = [];
  const ports: string[] = [];
  const place = /^(?:\[([^\]]*)\]|([^:/?,[\]]*))(?::([^/?,]*))?(,|(?=[/?])|$)/u;
  for (let more = true; more; ) {
    const match = place.exec(rest);
    if (match === null || match[1] === '') throw refuse(badPlace(rest), EXAMPLE);
    hosts.push(match[1] ?? match[2] ?? '');
    ports.push(match[3] ?? '');
    rest = rest.slice(match[0].length);
    more = match[4] === ',';
  }
  store(conninfo, 'host', hosts.join(','));
  if (ports.some((port) => port !== '')) store(conninfo, 'port', ports.join(','));

  const [path = '', query] = splitOnce(rest, '?');
  store(conninfo, 'dbname', path.slice(1));
  if (query !== undefined && query !== '')
    for (const pair of query.split('&')) storePair(conninfo, pair);
  return conninfo;
}

/** Says where the host part goes wrong without showing it: an unencoded `@` may put a password there. */
function badPlace(rest: string): string {
  if (rest.startsWith('['))
    return 'the IPv6 address in [ ] is empty, not closed, or not followed by : / ? or ,';
  return 'the host part cannot be read; a @ : / or [ in a user name or password must be percent-encoded';
}

function storePair(conninfo: Conninfo, pair: string): void {
  const [name = '', value] = splitOnce(pair, '=');
  const key = decode(name, 'the name of a parameter');
  const before = [...conninfo.keys()].at(-1) ?? '';
  const malformed = value === undefined || value.includes('=');
  if (malformed && isSecret(before)) throw restOfSecret(before);
  if (value === undefined) throw refuse(`the parameter ${key} has no value`, `Write ${key}=VALUE.`);
  if (value.includes('=')) {
    throw refuse(`the parameter ${key} has a second =`, 'Write %3D for an = within a value.');
  }
  // JDBC's spelling, which libpq takes in URIs.
  if (key === 'ssl' && value === 'true') conninfo.set('sslmode', 'require');
  else conninfo.set(key, decode(value, key));
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}

function store(conninfo: Conninfo, key: string, value: string | undefined): void {
  if (value) conninfo.set(key, decode(value, key));
}

/** Percent-decoding as libpq does it: `+` stays, a lone `%` and `%00` are errors. */
function decode(text: string, description: string): string {
  if (/%(?![0-9a-f]{2})/iu.test(text) || text.includes('%00')) {
    throw refuse(`${description} has a % that begins no character`, 'Write %25 for a % sign.');
  }
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    // The cause would quote the text.
    if (cause instanceof URIError)
      throw refuse(`${description} is not UTF-8`, 'Percent-encode UTF-8 bytes.');
    throw cause;
  }
}

/** `key = value` pairs; values with spaces stand in single quotes; `\` escapes a character. */
function parseKeyValues(text: string): Conninfo {
  const conninfo: Conninfo = new Map();
  const pair = /\s*(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|(?!')((?:[^\s\\]|\\.)*))/suy;
  const end = text.trimEnd().length;
  while (pair.lastIndex < end) {
    const match = pair.exec(text);
    if (match === null) {
      throw refuse(
        `the parameter after ${[...conninfo.keys()].at(-1) ?? 'the beginning'} cannot be read`,
        "Write key=value pairs with spaces between them, and single quotes around a value that has spaces: password='a b'.",
      );
    }
    conninfo.set(match[1] ?? '', (match[2] ?? match[3] ?? '').replaceAll(/\\(.)/gsu, '$1'));
  }
  return conninfo;
}
