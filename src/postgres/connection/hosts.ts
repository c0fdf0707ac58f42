import { existsSync } from 'node:fs';
import type { ParameterReader } from './parameters.ts';
import { refuse } from './refusal.ts';

/** One server to try. */
export interface Host {
  /** The name as written, which certificates and passfiles are matched with; a path for a Unix socket. */
  readonly name: string;
  /** What is connected to: the name, or the address that `hostaddr` gives instead. */
  readonly address: string;
  readonly port: number;
  readonly isUnixSocket: boolean;
}

const DEFAULT_PORT = 5432;

/** Where servers put their socket: Debian's and Red Hat's packages, and PostgreSQL's own default. */
const SOCKET_DIRECTORIES = ['/var/run/postgresql', '/tmp'];

/** The hosts in the order in which they are tried ("34.1.1.3. Specifying Multiple Hosts"). */
export function readHosts(read: ParameterReader): Host[] {
  const addresses = read('hostaddr')?.split(',');
  const names = read('host')?.split(',') ?? addresses?.map(() => '') ?? [''];
  if (addresses !== undefined && addresses.length !== names.length) {
    throw refuse(
      `${names.length} hosts, but ${addresses.length} addresses in hostaddr`,
      'Write as many addresses as hosts.',
    );
  }
  const ports = readPorts(read, names.length);
  const hosts = names.map((name, index) =>
    readHost(name, addresses?.[index] ?? '', ports[index] ?? DEFAULT_PORT),
  );
  return read('load_balance_hosts') === 'random' ? shuffled(hosts) : hosts;
}

function readPorts(read: ParameterReader, count: number): number[] {
  const ports = (read('port') ?? '').split(',').map(readPort);
  if (ports.length === 1) return Array.from({ length: count }, () => ports[0] ?? DEFAULT_PORT);
  if (ports.length === count) return ports;
  throw refuse(`${count} hosts, but ${ports.length} ports`, 'Write one port, or as many as hosts.');
}

function readPort(text: string): number {
  const port = text.trim() === '' ? DEFAULT_PORT : Number(text);
  if (/^\s*\d*\s*$/u.test(text) && port >= 1 && port <= 65_535) return port;
  // Not shown: an unencoded ':' or '@' puts a part of the password here.
  throw refuse(
    'a port is not a number from 1 to 65535',
    'Write host:5432, and percent-encode : and @ in a password.',
  );
}

function readHost(name: string, address: string, port: number): Host {
  if (name.startsWith('@')) {
    throw refuse('abstract Unix sockets are refused', 'Write the directory of the socket.');
  }
  if (address !== '') return { name: name || address, address, port, isUnixSocket: false };
  const isUnixSocket = name === '' || name.startsWith('/');
  const place = name === '' ? defaultSocketDirectory(port) : name;
  return { name: place, address: place, port, isUnixSocket };
}

/** The path of the socket in a directory. */
export function socketPath(host: Host): string {
  return `${host.address}/.s.PGSQL.${host.port}`;
}

/** psql has one directory built in; which one it is differs, so look for the socket. */
function defaultSocketDirectory(port: number): string {
  const found = SOCKET_DIRECTORIES.find((path) => existsSync(`${path}/.s.PGSQL.${port}`));
  return found ?? '/tmp';
}

/** Whether libpq would have come to this host by saying nothing: passfiles call it localhost. */
export function isDefaultSocket(host: Host): boolean {
  return host.isUnixSocket && SOCKET_DIRECTORIES.includes(host.address);
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, order: Math.random() }))
    .toSorted((a, b) => a.order - b.order)
    .map(({ item }) => item);
}
