import { suggest } from '../../suggest.ts';
import type { Conninfo } from './conninfo.ts';
import { isSecret, refuse, restOfSecret } from './refusal.ts';

/** The variables of the environment that a run may look at. */
export type Environment = Readonly<Record<string, string | undefined>>;

interface Parameter {
  /** The environment variable that libpq takes where the connection string says nothing. */
  readonly env?: string;
  /** The values that mean something here; any value if absent. */
  readonly values?: readonly string[];
  /** Why no other value is accepted: it ends the sentence `NAME is refused: ...`. */
  readonly refused?: string;
}

const FLAG = ['0', '1'];
const NO_GSS = 'Kerberos is not built in';
const NO_OAUTH = 'OAuth is not built in';

/**
 * Every parameter of libpq 18 ("34.1.2. Parameter Key Words") with its environment variable
 * ("34.15."): honoured, or refused by name. `values` with `refused` means: these are honoured.
 */
export const PARAMETERS: Readonly<Record<string, Parameter>> = {
  host: { env: 'PGHOST' },
  hostaddr: { env: 'PGHOSTADDR' },
  port: { env: 'PGPORT' },
  dbname: { env: 'PGDATABASE' },
  user: { env: 'PGUSER' },
  password: { env: 'PGPASSWORD' },
  passfile: { env: 'PGPASSFILE' },
  connect_timeout: { env: 'PGCONNECT_TIMEOUT' },
  client_encoding: {
    env: 'PGCLIENTENCODING',
    values: ['UTF8', 'utf8', 'UTF-8', 'utf-8', 'auto'],
    refused: 'the projector writes UTF-8',
  },
  options: { env: 'PGOPTIONS' },
  application_name: { env: 'PGAPPNAME' },
  fallback_application_name: {},
  keepalives: { values: FLAG },
  keepalives_idle: {},
  keepalives_interval: {
    values: ['0'],
    refused: 'the runtime cannot set it; the system setting net.ipv4.tcp_keepalive_intvl applies',
  },
  keepalives_count: {
    values: ['0'],
    refused: 'the runtime cannot set it; the system setting net.ipv4.tcp_keepalive_probes applies',
  },
  tcp_user_timeout: { values: ['0'], refused: 'the runtime cannot set it' },
  replication: {
    values: ['false', 'off', 'no', '0'],
    refused: 'a replication connection loads no tables',
  },
  target_session_attrs: {
    env: 'PGTARGETSESSIONATTRS',
    values: ['any', 'read-write', 'read-only', 'primary', 'standby', 'prefer-standby'],
  },
  load_balance_hosts: { env: 'PGLOADBALANCEHOSTS', values: ['disable', 'random'] },
  sslmode: {
    env: 'PGSSLMODE',
    values: ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'],
  },
  sslnegotiation: { env: 'PGSSLNEGOTIATION', values: ['postgres', 'direct'] },
  sslcompression: { env: 'PGSSLCOMPRESSION', values: ['0'], refused: 'TLS compression is unsafe' },
  sslcert: { env: 'PGSSLCERT' },
  sslkey: { env: 'PGSSLKEY' },
  sslpassword: {},
  sslcertmode: {
    env: 'PGSSLCERTMODE',
    values: ['disable', 'allow'],
    refused: 'the runtime cannot tell whether the server asked for a certificate',
  },
  sslrootcert: { env: 'PGSSLROOTCERT' },
  sslcrl: { env: 'PGSSLCRL', values: [], refused: 'revocation lists are not checked' },
  sslcrldir: { env: 'PGSSLCRLDIR', values: [], refused: 'revocation lists are not checked' },
  sslsni: { env: 'PGSSLSNI', values: FLAG },
  sslkeylogfile: { values: [], refused: 'TLS keys are not logged' },
  ssl_min_protocol_version: {
    env: 'PGSSLMINPROTOCOLVERSION',
    values: ['TLSv1.2', 'TLSv1.3'],
    refused: 'older versions of TLS are unsafe',
  },
  ssl_max_protocol_version: {
    env: 'PGSSLMAXPROTOCOLVERSION',
    values: ['TLSv1.2', 'TLSv1.3'],
    refused: 'older versions of TLS are unsafe',
  },
  requirepeer: {
    env: 'PGREQUIREPEER',
    values: [],
    refused: "the runtime cannot tell a Unix socket's owner",
  },
  require_auth: {
    env: 'PGREQUIREAUTH',
    values: [],
    refused: 'the way of logging in cannot be prescribed',
  },
  channel_binding: { env: 'PGCHANNELBINDING', values: ['disable', 'prefer', 'require'] },
  gssencmode: { env: 'PGGSSENCMODE', values: ['disable', 'prefer'], refused: NO_GSS },
  gssdelegation: { env: 'PGGSSDELEGATION', values: ['0'], refused: NO_GSS },
  gsslib: { env: 'PGGSSLIB', values: [], refused: NO_GSS },
  krbsrvname: { env: 'PGKRBSRVNAME', values: [], refused: NO_GSS },
  min_protocol_version: {
    env: 'PGMINPROTOCOLVERSION',
    values: ['3.0'],
    refused: 'the projector speaks version 3.0',
  },
  max_protocol_version: { env: 'PGMAXPROTOCOLVERSION', values: ['3.0', '3.2', 'latest'] },
  scram_client_key: { values: [], refused: 'give the password' },
  scram_server_key: { values: [], refused: 'give the password' },
  oauth_issuer: { values: [], refused: NO_OAUTH },
  oauth_client_id: { values: [], refused: NO_OAUTH },
  oauth_client_secret: { values: [], refused: NO_OAUTH },
  oauth_scope: { values: [], refused: NO_OAUTH },
  service: {
    env: 'PGSERVICE',
    values: [],
    refused: 'service files are not read; write its parameters out',
  },
  servicefile: { env: 'PGSERVICEFILE', values: [], refused: 'service files are not read' },
};

/** Reads one parameter: undefined if it is empty, or neither in the connection string nor in the environment. */
export type ParameterReader = (name: string) => string | undefined;

/** Checks every parameter, those of the environment too, before any is used. */
export function checkParameters(conninfo: Conninfo, env: Environment): ParameterReader {
  let before = '';
  for (const name of conninfo.keys()) {
    if (!Object.hasOwn(PARAMETERS, name)) throw unknown(name, before);
    before = name;
  }
  // An empty value counts as written: the environment is not looked at then.
  const written = (name: string) =>
    conninfo.get(name) ?? (env[PARAMETERS[name]?.env ?? ''] || undefined);
  for (const [name, parameter] of Object.entries(PARAMETERS)) {
    const value = written(name);
    if (value === undefined || parameter.values?.includes(value) !== false) continue;
    throw refused(conninfo.has(name) ? name : (parameter.env ?? name), value, parameter);
  }
  return (name) => written(name) || undefined;
}

function refused(name: string, value: string, parameter: Parameter): Error {
  const { values = [], refused: reason } = parameter;
  const choices = values.join(', ');
  if (reason === undefined) {
    return refuse(`${name}=${value} is not one of ${choices}`, `Write one of ${choices}.`);
  }
  const next = values.length > 0 ? `Leave ${name} out, or write ${choices}.` : `Leave ${name} out.`;
  // Without accepted values the value is not shown: it may be a key.
  return refuse(`${name}${values.length > 0 ? `=${value}` : ''} is refused: ${reason}`, next);
}

function unknown(name: string, before: string): Error {
  if (isSecret(before)) return restOfSecret(before);
  const meant = suggest(name, Object.keys(PARAMETERS));
  return refuse(
    `${name} is not a parameter of PostgreSQL connections`,
    meant === undefined ? `Leave ${name} out.` : `Did you mean ${meant}?`,
  );
}
