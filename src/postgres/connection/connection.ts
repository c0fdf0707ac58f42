import { join } from 'node:path';
import { parseConnectionString } from './conninfo.ts';
import { type Host, isDefaultSocket, readHosts } from './hosts.ts';
import { checkParameters, type Environment, type ParameterReader } from './parameters.ts';
import { type Passfile, readPassfile } from './passfile.ts';
import { refuse } from './refusal.ts';
import { type Secret, secret } from './secret.ts';
import { systemUser } from './system-user.ts';
import { readTlsPolicy, type TlsPolicy } from './tls.ts';

/** A host, and the password for it: a passfile may have another for each. */
export interface Server extends Host {
  readonly password: Secret | undefined;
}

/** The values of target_session_attrs. */
export type SessionTarget =
  | 'any'
  | 'read-write'
  | 'read-only'
  | 'primary'
  | 'standby'
  | 'prefer-standby';

/** The values of channel_binding. */
export type ChannelBindingMode = 'disable' | 'prefer' | 'require';

/** All that `--pg-conn` and the environment say of a connection. Inspecting it shows no secret. */
export interface Connection {
  /** In the order in which they are tried; at least one. */
  readonly hosts: readonly Server[];
  readonly user: string;
  readonly database: string;
  readonly tls: TlsPolicy;
  readonly targetSession: SessionTarget;
  readonly channelBinding: ChannelBindingMode;
  /** For each attempt, from the first packet to a session that is ready; 0 for no limit. */
  readonly connectTimeoutMs: number;
  /** Idle seconds before the first TCP keepalive; 0 for the system's default, undefined for none. */
  readonly keepAliveSeconds: number | undefined;
  readonly applicationName: string | undefined;
  /** Command-line options for the session, as `-c name=value`. */
  readonly options: string | undefined;
  /** `user@host:5432/database`, for logs. */
  readonly label: string;
  /** Whether an access token of Google Cloud is the password (Cloud SQL IAM authentication). */
  readonly needsIamToken: boolean;
  /** What is worth a warning, such as a passfile that is ignored. */
  readonly warnings: readonly string[];
}

/** libpq waits without end by default; a scheduled run must not. */
const DEFAULT_CONNECT_TIMEOUT_SECONDS = 30;

/**
 * Reads `--pg-conn` as psql would, with `env` for the PG* variables, HOME and SSL_CERT_FILE. Reads
 * the files that are named (certificates, passfile), and connects to nothing. Throws a
 * ProjectorError (BAD_CONNECTION_STRING, exit code 2) that names the parameter, never a password.
 */
export function readConnection(text: string, env: Environment): Connection {
  const read = checkParameters(parseConnectionString(text), env);
  const home = env['HOME'] || systemUser().home;
  const user = read('user') ?? defaultUser();
  const database = read('dbname') ?? user;
  const passfile = findPassfile(read, home);
  const hosts = readHosts(read).map((host) => ({
    ...host,
    password: passwordFor(host, { user, database }, read('password'), passfile),
  }));
  const tls = readTlsPolicy(read, home, env);
  const needsIamToken = user.endsWith('.iam') && hosts.every((host) => host.password === undefined);
  return {
    hosts,
    user,
    database,
    tls: needsIamToken ? policyForToken(tls, hosts) : tls,
    targetSession: (read('target_session_attrs') ?? 'any') as SessionTarget,
    channelBinding: (read('channel_binding') ?? 'prefer') as ChannelBindingMode,
    connectTimeoutMs: 1000 * readConnectTimeout(read),
    keepAliveSeconds: readKeepAlive(read),
    applicationName: read('application_name') ?? read('fallback_application_name'),
    options: read('options'),
    label: `${user}@${hosts.map((host) => `${host.name}:${host.port}`).join(',')}/${database}`,
    needsIamToken,
    warnings: passfile.warning === undefined ? [] : [passfile.warning],
  };
}

function defaultUser(): string {
  const { name } = systemUser();
  if (name !== undefined) return name;
  throw refuse(
    'it names no user, and this process runs as one without a name',
    'Write postgresql://USER@...',
  );
}

function findPassfile(read: ParameterReader, home: string | undefined): Passfile {
  const path = read('passfile') ?? (home === undefined ? undefined : join(home, '.pgpass'));
  return path === undefined
    ? { passwordFor: () => undefined, warning: undefined }
    : readPassfile(path);
}

function passwordFor(
  host: Host,
  login: { readonly user: string; readonly database: string },
  configured: string | undefined,
  passfile: Passfile,
): Secret | undefined {
  const name = isDefaultSocket(host) ? 'localhost' : host.name;
  const password = configured ?? passfile.passwordFor({ ...login, host: name, port: host.port });
  return password === undefined ? undefined : secret(password);
}

/** A token opens more than the database, so it never crosses a network in clear text. */
function policyForToken(tls: TlsPolicy, hosts: readonly Host[]): TlsPolicy {
  if (hosts.every(isLocal)) return tls;
  if (tls.mode === 'disable') {
    throw refuse(
      'sslmode=disable would send an access token in clear text',
      'Write sslmode=require or stronger for an IAM user, or give the user a password.',
    );
  }
  return tls.mode === 'allow' || tls.mode === 'prefer' ? { ...tls, mode: 'require' } : tls;
}

function isLocal(host: Host): boolean {
  return host.isUnixSocket || /^(localhost|127\.[\d.]+|::1)$/u.test(host.address);
}

function readConnectTimeout(read: ParameterReader): number {
  const seconds = readInteger(read, 'connect_timeout');
  if (seconds === undefined) return DEFAULT_CONNECT_TIMEOUT_SECONDS;
  return Math.max(0, seconds);
}

function readKeepAlive(read: ParameterReader): number | undefined {
  if (read('keepalives') === '0') return undefined;
  return Math.max(0, readInteger(read, 'keepalives_idle') ?? 0);
}

function readInteger(read: ParameterReader, name: string): number | undefined {
  const text = read(name);
  if (text === undefined) return undefined;
  if (/^\s*-?\d{1,9}\s*$/u.test(text)) return Number(text);
  throw refuse(`${name}=${text} is not a whole number`, `Write ${name}=10, in seconds.`);
}
