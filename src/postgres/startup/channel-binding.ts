import { createHash, X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { ChannelBindingMode } from '../connection/connection.ts';
import { LoginError, unknownLogin } from './login-error.ts';

/** The names of SCRAM without and with channel binding. */
export const SCRAM = 'SCRAM-SHA-256';
export const SCRAM_PLUS = 'SCRAM-SHA-256-PLUS';

/** What ties a login to its TLS connection ("53.3.2. Channel Binding"). */
export interface ChannelBinding {
  readonly mechanism: typeof SCRAM | typeof SCRAM_PLUS;
  /** `n`: not supported here; `y`: supported, and not offered by the server. */
  readonly flag: 'n' | 'y' | 'p=tls-server-end-point';
  readonly data: Buffer;
}

/**
 * Chooses as libpq does (pg_SASL_init in fe-auth.c): with channel binding wherever TLS is on and the
 * server offers it. Throws where `mode` requires it and it cannot be had, or no mechanism is known.
 */
export function chooseMechanism(
  offered: readonly string[],
  socket: Socket,
  mode: ChannelBindingMode,
): ChannelBinding {
  const hash =
    mode !== 'disable' && socket instanceof TLSSocket ? certificateHash(socket) : undefined;
  if (hash !== undefined && offered.includes(SCRAM_PLUS)) {
    return { mechanism: SCRAM_PLUS, flag: 'p=tls-server-end-point', data: hash };
  }
  if (mode === 'require') throw noChannelBinding();
  if (!offered.includes(SCRAM)) throw unknownLogin(offered.join(', '));
  return { mechanism: SCRAM, flag: hash === undefined ? 'n' : 'y', data: Buffer.alloc(0) };
}

/** The error of a login that does not have the channel binding which is required. */
export function noChannelBinding(): LoginError {
  return new LoginError(
    'channel_binding=require, and the login is not bound to its TLS connection',
    'Let the server use TLS and ask for scram-sha-256, or leave channel_binding out.',
  );
}

/**
 * The server's certificate, hashed by the algorithm of its signature, or by SHA-256 for weaker ones
 * (RFC 5929); undefined where the signature has no such algorithm.
 */
function certificateHash(socket: TLSSocket): Buffer | undefined {
  const { raw } = socket.getPeerCertificate(true);
  const signature = new X509Certificate(raw).signatureAlgorithm ?? '';
  const [, digest] = /(md5|sha-?\d+)/i.exec(signature) ?? [];
  if (digest === undefined) return undefined;
  const algorithm = digest.toLowerCase().replace('-', '');
  const isWeak = algorithm === 'md5' || algorithm === 'sha1';
  return createHash(isWeak ? 'sha256' : algorithm)
    .update(raw)
    .digest();
}
