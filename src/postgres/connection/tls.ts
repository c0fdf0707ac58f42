import { getCACertificates, rootCertificates } from 'node:tls';
import { type ClientCertificate, readClientCertificate } from './client-certificate.ts';
import type { Environment, ParameterReader } from './parameters.ts';
import { refuse } from './refusal.ts';
import { exists, inHome, readText } from './tls-files.ts';

/** The values of sslmode. */
export type SslMode = 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';
/** The values of ssl_min_protocol_version and ssl_max_protocol_version that are honoured. */
export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

/** How connections are encrypted, with the files already read. */
export interface TlsPolicy {
  readonly mode: SslMode;
  /** Whether TLS begins at once, without asking the server first. */
  readonly direct: boolean;
  /**
   * The certificates that the server's must descend from. As in libpq, it is checked in every mode
   * if there are any, and the host name in verify-full only.
   */
  readonly rootCertificates: readonly string[] | undefined;
  readonly client: ClientCertificate | undefined;
  readonly sendServerName: boolean;
  readonly minVersion: TlsVersion;
  readonly maxVersion: TlsVersion;
}

/** Reads the policy and its files ("34.19. SSL Support"). `home` may be undefined. */
export function readTlsPolicy(
  read: ParameterReader,
  home: string | undefined,
  env: Environment,
): TlsPolicy {
  const system = read('sslrootcert') === 'system';
  const mode = (read('sslmode') ?? (system ? 'verify-full' : 'prefer')) as SslMode;
  const direct = read('sslnegotiation') === 'direct';
  if (system && mode !== 'verify-full') {
    throw refuse(
      `sslmode=${mode} is too weak for sslrootcert=system`,
      'Write sslmode=verify-full.',
    );
  }
  if (direct && ['disable', 'allow', 'prefer'].includes(mode)) {
    throw refuse(
      `sslmode=${mode} is too weak for sslnegotiation=direct`,
      'Write sslmode=require, or a stronger one.',
    );
  }
  const encrypts = mode !== 'disable';
  return {
    mode,
    direct,
    rootCertificates: encrypts ? readRoots(read, mode, home, env) : undefined,
    client: encrypts ? readClientCertificate(read, home) : undefined,
    sendServerName: read('sslsni') !== '0',
    minVersion: (read('ssl_min_protocol_version') ?? 'TLSv1.2') as TlsVersion,
    maxVersion: (read('ssl_max_protocol_version') ?? 'TLSv1.3') as TlsVersion,
  };
}

function readRoots(
  read: ParameterReader,
  mode: SslMode,
  home: string | undefined,
  env: Environment,
): readonly string[] | undefined {
  const configured = read('sslrootcert');
  if (configured === 'system') return systemRoots(env);
  const path = configured ?? inHome(home, 'root.crt');
  if (path !== undefined && exists(path)) {
    const revoked = inHome(home, 'root.crl');
    if (revoked !== undefined && exists(revoked)) {
      throw refuse(`revocation lists are not checked, and ${revoked} is one`, 'Move it away.');
    }
    return [readText(path, 'sslrootcert')];
  }
  if (mode !== 'verify-ca' && mode !== 'verify-full') return undefined;
  throw refuse(
    `sslmode=${mode} needs the certificate of the server's authority, and ${path ?? '~/.postgresql/root.crt'} does not exist`,
    'Write sslrootcert=FILE (for Cloud SQL, the server-ca.pem that its console offers), or sslrootcert=system for a public authority.',
  );
}

/** As OpenSSL does, SSL_CERT_FILE goes before the system's own list. */
function systemRoots(env: Environment): readonly string[] {
  const file = env['SSL_CERT_FILE'];
  if (file) return [readText(file, 'SSL_CERT_FILE')];
  const installed = getCACertificates('system');
  return installed.length > 0 ? installed : rootCertificates;
}
