import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { statSync } from 'node:fs';
import type { ParameterReader } from './parameters.ts';
import { refuse } from './refusal.ts';
import { type Secret, secret } from './secret.ts';
import { exists, inHome, readText } from './tls-files.ts';

/** What the client shows of itself, as PEM. */
export interface ClientCertificate {
  readonly certificate: string;
  readonly key: Secret;
  readonly passphrase: Secret | undefined;
}

/** Reads sslcert, sslkey and sslpassword; undefined where no certificate is to be sent. */
export function readClientCertificate(
  read: ParameterReader,
  home: string | undefined,
): ClientCertificate | undefined {
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
  const certificate = readText(path, 'sslcert');
  const key = readText(keyPath, 'sslkey');
  const passphrase = read('sslpassword');
  checkPair({ path, certificate }, openKey(keyPath, key, passphrase));
  return {
    certificate,
    key: secret(key),
    passphrase: passphrase === undefined ? undefined : secret(passphrase),
  };
}

/** Opened here, so that what is wrong with a key is told by its name, and not as a failed handshake. */
function openKey(path: string, key: string, passphrase: string | undefined): KeyObject {
  try {
    return createPrivateKey({ key, ...(passphrase !== undefined && { passphrase }) });
  } catch (cause) {
    if ((cause as { code?: unknown }).code === 'ERR_MISSING_PASSPHRASE') {
      throw refuse(`the private key ${path} is encrypted`, 'Write sslpassword=PASSWORD.');
    }
    const isEncrypted = key.includes('ENCRYPTED');
    throw isEncrypted
      ? refuse(`sslpassword does not open the private key ${path}`, 'Correct sslpassword.')
      : refuse(`${path} is not a private key in PEM`, 'Name the file of the key by sslkey=FILE.');
  }
}

interface CertificateFile {
  readonly path: string;
  readonly certificate: string;
}

function checkPair({ path, certificate }: CertificateFile, key: KeyObject): void {
  let isPair: boolean;
  try {
    isPair = new X509Certificate(certificate).checkPrivateKey(key);
  } catch {
    throw refuse(`${path} is not a certificate in PEM`, 'Name its file by sslcert=FILE.');
  }
  if (!isPair) throw refuse(`the private key of ${path} is another`, 'Correct sslcert or sslkey.');
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
