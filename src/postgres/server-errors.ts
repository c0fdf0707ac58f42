import postgres from 'postgres';
import { messageOf, ProjectorError } from '../errors.ts';
import type { Attempt } from './connect-attempt.ts';
import type { Connection } from './connection/connection.ts';
import { WRONG_SERVER } from './first-session.ts';
import { TlsError } from './socket.ts';
import { type SqlState, sqlState } from './sqlstates.ts';

const LOST_HINT =
  'Run it again; if it happens often, look into the server log and at the network between here and the server.';

const UNREACHABLE_HINT =
  'Check the host and port of --pg-conn, that the server is up and listens there, and that firewalls let this machine through.';

/** Failures below the protocol, by the code that the system, the TLS library or postgres.js gives. */
const NETWORK: Readonly<Record<string, SqlState>> = {
  ECONNREFUSED: { code: 'UNREACHABLE', hint: UNREACHABLE_HINT, retryable: true },
  EHOSTUNREACH: { code: 'UNREACHABLE', hint: UNREACHABLE_HINT, retryable: true },
  ENETUNREACH: { code: 'UNREACHABLE', hint: UNREACHABLE_HINT, retryable: true },
  ETIMEDOUT: { code: 'UNREACHABLE', hint: UNREACHABLE_HINT, retryable: true },
  CONNECT_TIMEOUT: { code: 'UNREACHABLE', hint: UNREACHABLE_HINT, retryable: true },
  ENOENT: {
    code: 'UNREACHABLE',
    hint: 'No server has its Unix socket there: write the host in --pg-conn, or the directory of the socket as host=/DIRECTORY.',
    retryable: false,
  },
  ENOTFOUND: { code: 'NO_SUCH_HOST', hint: 'Correct the host in --pg-conn.', retryable: false },
  EAI_AGAIN: {
    code: 'NO_SUCH_HOST',
    hint: 'Check the name server of this machine.',
    retryable: true,
  },
  ECONNRESET: { code: 'CONNECTION_LOST', hint: LOST_HINT, retryable: true },
  EPIPE: { code: 'CONNECTION_LOST', hint: LOST_HINT, retryable: true },
  CONNECTION_CLOSED: { code: 'CONNECTION_LOST', hint: LOST_HINT, retryable: true },
  CONNECTION_DESTROYED: { code: 'CONNECTION_LOST', hint: LOST_HINT, retryable: true },
  [WRONG_SERVER]: {
    code: WRONG_SERVER,
    hint: 'List the hosts of all servers in --pg-conn, or change its target_session_attrs.',
    retryable: false,
  },
  AUTH_TYPE_NOT_IMPLEMENTED: {
    code: 'LOGIN_REFUSED',
    hint: 'The server wants Kerberos, SSPI or the like: let pg_hba.conf ask this user for scram-sha-256 or a certificate.',
    retryable: false,
  },
};

const TLS_HINT: Readonly<Record<string, string>> = {
  TLS_DECLINED: 'Switch TLS on at the server (ssl = on), or write sslmode=prefer in --pg-conn.',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'The certificate is for another name: use that name as the host in --pg-conn, or sslmode=verify-ca (right for Cloud SQL by IP address).',
};
const UNTRUSTED_HINT =
  "Name the server's authority by sslrootcert=FILE in --pg-conn (for Cloud SQL, the server-ca.pem that its console offers).";

/**
 * Turns what the server, the network or TLS threw into what a user is told, a ProjectorError: a stable
 * code, what happened, what to do. Anything else stays as it is: a defect of the program's own is no
 * matter of the server.
 */
export function describeServerError(error: unknown, connection?: Connection): unknown {
  if (error instanceof ProjectorError) return error;
  const known = explain(error);
  if (known === undefined && !(error instanceof postgres.PostgresError)) return error;
  const at = connection === undefined ? '' : `${connection.label}: `;
  return new ProjectorError({
    code: known?.code ?? 'POSTGRES_ERROR',
    message: `${at}${describe(error)}`,
    hint:
      known?.hint ?? 'Look up the message in the PostgreSQL manual, and the server log for more.',
    cause: error,
  });
}

/** Whether trying again may well succeed without anyone doing anything. */
export function isRetryable(error: unknown): boolean {
  if (error instanceof ProjectorError) return isRetryable(error.cause);
  return explain(error)?.retryable ?? false;
}

/** The failure of all attempts to connect: the last one's code, and what each met. */
export function describeConnectFailure(
  connection: Connection,
  attempts: readonly Attempt[],
): ProjectorError {
  const last = attempts.at(-1)?.error;
  if (last instanceof ProjectorError) return last;
  const told = attempts.map(
    ({ server, error }) => `${server.name}:${server.port}: ${describe(error)}`,
  );
  const known = explain(last);
  const hint = [
    known?.hint ?? UNREACHABLE_HINT,
    ...connection.warnings.map((text) => `Note that ${text}.`),
  ];
  return new ProjectorError({
    code: known?.code ?? 'UNREACHABLE',
    message: `cannot connect to ${connection.label}: ${[...new Set(told)].join('; ')}`,
    hint: hint.join(' '),
    cause: last,
  });
}

function explain(error: unknown): SqlState | undefined {
  if (error instanceof postgres.PostgresError) return sqlState(error.code);
  const code = codeOf(error);
  if (error instanceof TlsError) {
    const hint = TLS_HINT[code] ?? UNTRUSTED_HINT;
    return { code: 'TLS_FAILED', hint, retryable: false };
  }
  return NETWORK[code];
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** The server's message with its detail, hint and place; SQLSTATEs make it findable. */
function describe(error: unknown): string {
  if (error instanceof TlsError) return `TLS: ${error.message}`;
  if (!(error instanceof postgres.PostgresError)) return messageOf(error);
  const more = [error.detail, error.hint, error.where].filter((text) => text !== undefined);
  return [`${error.message} (SQLSTATE ${error.code})`, ...more].join('; ');
}
