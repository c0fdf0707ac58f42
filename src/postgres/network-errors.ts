import { TlsError } from './socket.ts';
import type { Remedy } from './sqlstates.ts';

/** The code of an error that lets the next host be tried: this one is not what was asked for. */
export const WRONG_SERVER = 'WRONG_SERVER';

/** What to do about a server that is not there. */
export const UNREACHABLE_HINT =
  'Check the host and port of --pg-conn, that the server is up and listens there, and that firewalls let this machine through.';

const UNREACHABLE: Remedy = {
  code: 'UNREACHABLE',
  hint: UNREACHABLE_HINT,
  retryOn: 'new session',
};
const LOST: Remedy = {
  code: 'CONNECTION_LOST',
  hint: 'Run it again; if it happens often, look into the server log and at the network between here and the server.',
  retryOn: 'new session',
};

/** By the code that the system or postgres.js gives. */
const REMEDIES: Readonly<Record<string, Remedy>> = {
  ECONNREFUSED: UNREACHABLE,
  EHOSTUNREACH: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
  ETIMEDOUT: UNREACHABLE,
  CONNECT_TIMEOUT: UNREACHABLE,
  ENOENT: {
    code: 'UNREACHABLE',
    hint: 'No server has its Unix socket there: write the host in --pg-conn, or the directory of the socket as host=/DIRECTORY.',
    retryOn: 'new session',
  },
  ENOTFOUND: {
    code: 'NO_SUCH_HOST',
    hint: 'Correct the host in --pg-conn.',
    retryOn: 'new session',
  },
  EAI_AGAIN: {
    code: 'NO_SUCH_HOST',
    hint: 'Check the name server of this machine.',
    retryOn: 'new session',
  },
  ECONNRESET: LOST,
  EPIPE: LOST,
  CONNECTION_CLOSED: LOST,
  CONNECTION_DESTROYED: LOST,
  [WRONG_SERVER]: {
    code: WRONG_SERVER,
    hint: 'List the hosts of all servers in --pg-conn, or change its target_session_attrs.',
    // After a failover, it is of another kind.
    retryOn: 'new session',
  },
};

/**
 * Whether an attempt that failed so has never led to the right server, if it was the first one: later,
 * a name server or a failover may be the reason.
 */
export function isMisdirected(error: unknown): boolean {
  return error instanceof Error && 'code' in error && MISDIRECTED.has(String(error.code));
}

const MISDIRECTED: ReadonlySet<string> = new Set(['ENOTFOUND', WRONG_SERVER]);

const TLS_HINTS: Readonly<Record<string, string>> = {
  TLS_DECLINED: 'Switch TLS on at the server (ssl = on), or write sslmode=prefer in --pg-conn.',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'The certificate is for another name: use that name as the host in --pg-conn, or sslmode=verify-ca (right for Cloud SQL by IP address).',
};
const UNTRUSTED_HINT =
  "Name the server's authority by sslrootcert=FILE in --pg-conn (for Cloud SQL, the server-ca.pem that its console offers).";

/** What to do about a failure below the protocol: of the system, of TLS, of the connection. */
export function networkRemedy(error: unknown): Remedy | undefined {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (!(error instanceof TlsError)) return REMEDIES[code];
  return { code: 'TLS_FAILED', hint: TLS_HINTS[code] ?? UNTRUSTED_HINT, retryOn: 'nothing' };
}
