import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { getCACertificates, rootCertificates } from 'node:tls';
import type { Environment, ParameterReader } from './parameters.ts';
import { refuse } from './refusal.ts';
import { type Secret, secret } from './secret.ts';

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
  readonly client:
    | {
        readonly certificate: string;
        readonly key: Secret;
        readonly passphrase: Secret | undefined;
      }
    | undefined;
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

function readClientCertificate(
  read: ParameterReader,
  home: string | undefined,
): TlsPolicy['client'] {
  if (read('sslcertmode') === 'disable') return undefined;
  const path = read('sslcert') ?? inHome(home, 'postgresql.crt');
  // As in libpq, a certificate that is missing is no error: the server may not ask for one.
  if (path === undefined || !exists(path)) return undefined;
  const keyPath = read('sslkey') ?? inHome(home, 'postgresql.key');
  if (keyPath === undefined || !exists(keyPath)) {
    throw refuse(
      `the certificate ${path} has no private key: ${keyPath ?? '~/.postgresql/postgresql.key'} does not exist`,
      'Write sslkey=FILE.',
    );
  }
  checkKeyMode(keyPath);
  const passphrase = read('sslpassword');
  return {
    certificate: readText(path, 'sslcert'),
    key: secret(readText(keyPath, 'sslkey')),
    passphrase: passphrase === undefined ? undefined : secret(passphrase),
  };
}

/**
 * libpq's rule (fe-secure-openssl.c): mode 0600 or less, or 0640 if root owns it, so that a group
 * can share a key. Who else may own it is the file system's matter.
 */
function checkKeyMode(path: string): void {
  const stats = statSync(path);
  const forbidden = stats.uid === 0 ? 0o037 : 0o077;
  if ((stats.mode & forbidden) === 0) return;
  throw refuse(`the private key ${path} can be read by others`, `Run chmod 0600 ${path}.`);
}

function inHome(home: string | undefined, name: string): string | undefined {
  return home === undefined ? undefined : join(home, '.postgresql', name);
}

/** As for libpq, what is out of reach (a home of another user, or of none) is not there. */
function exists(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}

function readText(path: string, parameter: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? ` (${cause.code})` : '';
    throw refuse(
      `${parameter}: ${path} cannot be read${reason}`,
      'Check the path and its permissions.',
    );
  }
}
