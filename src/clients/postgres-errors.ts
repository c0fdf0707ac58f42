import postgres from 'postgres';
import type { Connection } from '../connection/connection.ts';
import { messageOf, ProjectorError } from '../errors.ts';
import type { Attempt } from './postgres.ts';
import { WRONG_SERVER } from './postgres-session.ts';
import { TlsError } from './postgres-socket.ts';
import { type SqlState, sqlState } from './sqlstates.ts';

const LOST_NEXT =
  'Run it again; if it happens often, look into the server log and at the network between here and the server.';

const UNREACHABLE_NEXT =
  'Check the host and port of --pg-conn, that the server is up and listens there, and that firewalls let this machine through.';

/** Failures below the protocol, by the code that the system, the TLS library or postgres.js gives. */
const NETWORK: Readonly<Record<string, SqlState>> = {
  ECONNREFUSED: { word: 'UNREACHABLE', next: UNREACHABLE_NEXT, retryable: true },
  EHOSTUNREACH: { word: 'UNREACHABLE', next: UNREACHABLE_NEXT, retryable: true },
  ENETUNREACH: { word: 'UNREACHABLE', next: UNREACHABLE_NEXT, retryable: true },
  ETIMEDOUT: { word: 'UNREACHABLE', next: UNREACHABLE_NEXT, retryable: true },
  CONNECT_TIMEOUT: { word: 'UNREACHABLE', next: UNREACHABLE_NEXT, retryable: true },
  ENOENT: {
    word: 'UNREACHABLE',
    next: 'No server has its Unix socket there: write the host in --pg-conn, or the directory of the socket as host=/DIRECTORY.',
    retryable: false,
  },
  ENOTFOUND: { word: 'NO_SUCH_HOST', next: 'Correct the host in --pg-conn.', retryable: false },
  EAI_AGAIN: {
    word: 'NO_SUCH_HOST',
    next: 'Check the name server of this machine.',
    retryable: true,
  },
  ECONNRESET: { word: 'CONNECTION_LOST', next: LOST_NEXT, retryable: true },
  EPIPE: { word: 'CONNECTION_LOST', next: LOST_NEXT, retryable: true },
  CONNECTION_CLOSED: { word: 'CONNECTION_LOST', next: LOST_NEXT, retryable: true },
  CONNECTION_DESTROYED: { word: 'CONNECTION_LOST', next: LOST_NEXT, retryable: true },
  [WRONG_SERVER]: {
    word: WRONG_SERVER,
    next: 'List the hosts of all servers in --pg-conn, or change its target_session_attrs.',
    retryable: false,
  },
  AUTH_TYPE_NOT_IMPLEMENTED: {
    word: 'LOGIN_REFUSED',
    next: 'The server wants Kerberos, SSPI or the like: let pg_hba.conf ask this user for scram-sha-256 or a certificate.',
    retryable: false,
  },
};

const TLS_NEXT: Readonly<Record<string, string>> = {
  TLS_DECLINED: 'Switch TLS on at the server (ssl = on), or write sslmode=prefer in --pg-conn.',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'The certificate is for another name: use that name as the host in --pg-conn, or sslmode=verify-ca (right for Cloud SQL by IP address).',
};
const UNTRUSTED_NEXT =
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
    code: known?.word ?? 'POSTGRES_ERROR',
    message: `${at}${describe(error)}`,
    next:
      known?.next ?? 'Look up the message in the PostgreSQL manual, and the server log for more.',
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
    known?.next ?? UNREACHABLE_NEXT,
    ...connection.warnings.map((text) => `Note that ${text}.`),
  ];
  return new ProjectorError({
    code: known?.word ?? 'UNREACHABLE',
    message: `cannot connect to ${connection.label}: ${[...new Set(told)].join('; ')}`,
    next: hint.join(' '),
    cause: last,
  });
}

function explain(error: unknown): SqlState | undefined {
  if (error instanceof postgres.PostgresError) return sqlState(error.code);
  const code = codeOf(error);
  if (error instanceof TlsError) {
    const next = TLS_NEXT[code] ?? UNTRUSTED_NEXT;
    return { word: 'TLS_FAILED', next, retryable: false };
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
