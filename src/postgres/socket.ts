import { once } from 'node:events';
import { connect, isIP, type Socket } from 'node:net';
import { checkServerIdentity, connect as connectTls } from 'node:tls';
import { messageOf } from '../errors.ts';
import type { Connection } from './connection/connection.ts';
import { type Host, socketPath } from './connection/hosts.ts';
import type { TlsPolicy } from './connection/tls.ts';

/** Whether a connection is encrypted; `offered`: in clear text where the server has no TLS. */
export type Encryption = 'never' | 'offered' | 'always';

/** TLS was declined or failed, before the server saw a user or a password. */
export class TlsError extends Error {
  override readonly name = 'TlsError';
  /** The reason as the TLS library names it, such as `DEPTH_ZERO_SELF_SIGNED_CERT`. */
  readonly code: string;

  constructor(message: string, code: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** SSLRequest and its answers: "54.2.10. SSL Session Encryption" of the PostgreSQL manual. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
const YES = 'S';
const NO = 'N';

/** The time that one attempt to connect may take; its socket is closed when it is over. */
export class ConnectDeadline implements Disposable {
  #timer: Timer | undefined;
  #socket: Socket | undefined;
  #timeout: Error | undefined;

  /** `ms`: 0 for no limit. */
  constructor(ms: number) {
    if (ms > 0) this.#timer = setTimeout(() => this.#expire(ms), ms);
  }

  /** Why the socket was closed, if this did it. */
  get timeout(): Error | undefined {
    return this.#timeout;
  }

  /** The socket of the attempt. */
  watch(socket: Socket): void {
    this.#socket = socket;
  }

  /** Ends the attempt, which has failed. */
  close(): void {
    this.#socket?.destroy();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #expire(ms: number): void {
    const message = `no answer within ${ms / 1000} s`;
    this.#timeout = Object.assign(new Error(message), { code: 'CONNECT_TIMEOUT' });
    this.#socket?.destroy(this.#timeout);
  }
}

/** Opens a socket to a host that is ready for the startup message. */
export async function openSocket(
  connection: Connection,
  host: Host,
  encryption: Encryption,
  deadline: ConnectDeadline,
): Promise<Socket> {
  const socket = host.isUnixSocket ? connect(socketPath(host)) : connect(host.port, host.address);
  deadline.watch(socket);
  await once(socket, 'connect');
  if (!host.isUnixSocket) configure(socket, connection);
  // Between now and the session's own listeners an error must not end the process.
  socket.on('error', () => undefined);
  return await encrypt(socket, connection.tls, host, encryption);
}

function configure(socket: Socket, connection: Connection): void {
  socket.setNoDelay(true);
  const idle = connection.keepAliveSeconds;
  if (idle !== undefined) socket.setKeepAlive(true, idle * 1000);
}

async function encrypt(
  socket: Socket,
  policy: TlsPolicy,
  host: Host,
  encryption: Encryption,
): Promise<Socket> {
  // A Unix socket is never encrypted, whatever sslmode says.
  if (encryption === 'never' || host.isUnixSocket) return socket;
  if (policy.direct || (await offersTls(socket))) return shakeHands(socket, policy, host);
  if (encryption === 'offered') return socket;
  throw new TlsError('the server does not support TLS', 'TLS_DECLINED');
}

async function offersTls(socket: Socket): Promise<boolean> {
  socket.write(SSL_REQUEST);
  const [answer] = await Promise.race([once(socket, 'data'), closing(socket)]);
  // More than one byte would be clear text that someone slipped in before the handshake.
  const text = String(answer);
  if (text === YES) return true;
  if (text === NO) return false;
  throw new TlsError('the server answered the request for TLS with something else', 'TLS_DECLINED');
}

async function closing(socket: Socket): Promise<never> {
  await once(socket, 'close');
  throw Object.assign(new Error('the server closed the connection'), { code: 'CONNECTION_CLOSED' });
}

async function shakeHands(socket: Socket, policy: TlsPolicy, host: Host): Promise<Socket> {
  const secured = connectTls({
    socket,
    ...(policy.sendServerName && isIP(host.name) === 0 && { servername: host.name }),
    ...(policy.direct && { ALPNProtocols: ['postgresql'] }),
    ...(policy.rootCertificates && { ca: [...policy.rootCertificates] }),
    ...(policy.client && {
      cert: policy.client.certificate,
      key: policy.client.key.reveal(),
      ...(policy.client.passphrase && { passphrase: policy.client.passphrase.reveal() }),
    }),
    rejectUnauthorized: policy.rootCertificates !== undefined,
    minVersion: policy.minVersion,
    maxVersion: policy.maxVersion,
    checkServerIdentity: (_, certificate) =>
      policy.mode === 'verify-full' ? checkServerIdentity(host.name, certificate) : undefined,
  });
  try {
    await Promise.race([once(secured, 'secureConnect'), closing(secured)]);
  } catch (error) {
    throw new TlsError(messageOf(error), codeOf(error), error);
  }
  secured.on('error', () => undefined);
  if (policy.direct && secured.alpnProtocol !== 'postgresql') {
    throw new TlsError('the server does not know sslnegotiation=direct', 'TLS_DECLINED');
  }
  return secured;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'TLS_FAILED';
}
