import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import type { ChannelBindingMode } from '../connection/connection.ts';
import { chooseMechanism, noChannelBinding, SCRAM_PLUS } from './channel-binding.ts';
import { LoginError, notPostgres, unknownLogin } from './login-error.ts';
import { clientMessage, int32, type MessageReader, serverError, text } from './messages.ts';
import { ScramExchange } from './scram.ts';

/** Who logs in, and how. */
export interface Login {
  readonly user: string;
  /** undefined: none was given. */
  readonly password: string | undefined;
  readonly channelBinding: ChannelBindingMode;
}

/** Authentication requests that are answered, by their number. */
const OK = 0;
const CLEAR_TEXT = 3;
const MD5 = 5;
const SASL = 10;
const SASL_CONTINUE = 11;
const SASL_FINAL = 12;

/** The others, which have to do with Kerberos, SSPI and the like. */
const NOT_BUILT_IN: Readonly<Record<number, string>> = { 2: 'Kerberos', 7: 'GSSAPI', 9: 'SSPI' };

/**
 * Answers the server's requests until it lets the user in. Throws the server's error, or one that
 * says what the login lacks.
 */
export async function authenticate(
  socket: Socket,
  reader: MessageReader,
  login: Login,
): Promise<void> {
  let isBound = false;
  for (;;) {
    const request = await readRequest(reader);
    if (request.kind === OK && !isBound && login.channelBinding === 'require') {
      throw noChannelBinding();
    }
    if (request.kind === OK) return;
    if (request.kind === SASL) isBound = await scram(socket, reader, login, request.body);
    else socket.write(clientMessage('p', text(passwordAnswer(request, login))));
  }
}

interface Request {
  readonly kind: number;
  readonly body: Buffer;
}

async function readRequest(reader: MessageReader): Promise<Request> {
  const message = await reader.next();
  if (message.type === 'E') throw serverError(message);
  if (message.type !== 'R') throw notPostgres();
  return { kind: message.body.readInt32BE(0), body: message.body.subarray(4) };
}

function passwordAnswer({ kind, body }: Request, login: Login): string {
  if (kind === CLEAR_TEXT) return passwordOf(login);
  if (kind !== MD5) throw unknownLogin(NOT_BUILT_IN[kind] ?? `login method ${kind}`);
  const inner = md5(Buffer.from(passwordOf(login) + login.user));
  return `md5${md5(Buffer.concat([Buffer.from(inner), body]))}`;
}

function md5(bytes: Buffer): string {
  return createHash('md5').update(bytes).digest('hex');
}

function passwordOf({ password }: Login): string {
  if (password !== undefined) return password;
  throw new LoginError(
    'the server asks for a password, and there is none',
    'Write it into --pg-conn, PGPASSWORD or the passfile.',
  );
}

/** Whether the login is bound to the TLS connection. */
async function scram(
  socket: Socket,
  reader: MessageReader,
  login: Login,
  mechanisms: Buffer,
): Promise<boolean> {
  const offered = mechanisms.toString().split('\0').filter(Boolean);
  const binding = chooseMechanism(offered, socket, login.channelBinding);
  const exchange = new ScramExchange(passwordOf(login), binding);
  const first = Buffer.from(exchange.first());
  socket.write(clientMessage('p', text(binding.mechanism), int32(first.length), first));
  const proof = await exchange.proof(await saslAnswer(reader, SASL_CONTINUE));
  socket.write(clientMessage('p', Buffer.from(proof)));
  exchange.verify(await saslAnswer(reader, SASL_FINAL));
  return binding.mechanism === SCRAM_PLUS;
}

async function saslAnswer(reader: MessageReader, expected: number): Promise<string> {
  const { kind, body } = await readRequest(reader);
  if (kind !== expected) throw notPostgres();
  return body.toString();
}
