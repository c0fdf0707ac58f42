import type { Socket } from 'node:net';
import type { SessionTarget } from '../connection/connection.ts';
import { WRONG_SERVER } from '../network-errors.ts';
import { hasSqlState, PROTOCOL_VIOLATION } from '../sqlstates.ts';
import { authenticate, type Login } from './authenticate.ts';
import { type Setting, settingsOfOptions, settingsStatement } from './initial-settings.ts';
import {
  clientMessage,
  MessageReader,
  type ServerMessage,
  serverError,
  startupMessage,
  text,
} from './messages.ts';

/** What a session is to be. */
export interface SessionRequest extends Login {
  readonly database: string;
  readonly applicationName: string;
  /** Command-line options for the session, as `-c name=value`. */
  readonly options: string | undefined;
  /** Settings that are set after the login. */
  readonly settings: readonly Setting[];
  readonly target: SessionTarget;
}

/** What the server says of a session that has begun. */
export interface StartedSession {
  /** A pooler is in between: the key of the session is not the backend's. */
  readonly isPooled: boolean;
}

/** ReadyForQuery, outside of a transaction. */
const READY = clientMessage('Z', Buffer.from('I'));

/**
 * Logs in on a socket, gives the session its settings, and checks that the server is what `target`
 * asks for. The socket is then one on which the server waits for a query, and says so once more to
 * who reads it next.
 */
export async function startSession(
  socket: Socket,
  request: SessionRequest,
): Promise<StartedSession> {
  const reader = new MessageReader(socket);
  socket.write(startupMessage(startupParameters(request)));
  await authenticate(socket, reader, request);
  const { key, serverMajor } = await readParameters(reader);
  socket.write(clientMessage('Q', text(settingsStatement(serverMajor, request.settings))));
  const [backend, isStandby, isReadOnly] = await readLastRow(reader);
  checkTarget({ isStandby: isStandby === 't', isReadOnly: isReadOnly === 'on' }, request.target);
  reader.handOver(READY);
  return { isPooled: key !== undefined && key !== Number(backend) };
}

function startupParameters(request: SessionRequest): Record<string, string> {
  return {
    user: request.user,
    database: request.database,
    client_encoding: 'UTF8',
    application_name: request.applicationName,
    ...(request.options !== undefined && { options: request.options }),
  };
}

/**
 * The request that a pooler takes which refused this one: its options as settings after the login
 * (PgBouncer and its like refuse most startup parameters). undefined: there is none.
 */
export function withoutOptions(
  request: SessionRequest,
  error: unknown,
): SessionRequest | undefined {
  const { options } = request;
  if (options === undefined || !hasSqlState(error, PROTOCOL_VIOLATION)) return undefined;
  const settings = settingsOfOptions(options);
  return settings === undefined ? undefined : { ...request, options: undefined, settings };
}

interface Parameters {
  /** The process id in BackendKeyData. */
  readonly key: number | undefined;
  /** The major version; 0 if the server does not tell. */
  readonly serverMajor: number;
}

/** Reads up to ReadyForQuery. */
async function readParameters(reader: MessageReader): Promise<Parameters> {
  let key: number | undefined;
  let serverMajor = 0;
  for (;;) {
    const message = await nextOf(reader);
    if (message.type === 'Z') return { key, serverMajor };
    if (message.type === 'K') key = message.body.readInt32BE(0);
    const [name, value = ''] = message.type === 'S' ? message.body.toString().split('\0') : [];
    if (name === 'server_version') serverMajor = Number.parseInt(value, 10) || 0;
  }
}

/** The values of the last row before ReadyForQuery, as text. */
async function readLastRow(reader: MessageReader): Promise<readonly (string | undefined)[]> {
  let row: readonly (string | undefined)[] = [];
  for (;;) {
    const message = await nextOf(reader);
    if (message.type === 'Z') return row;
    if (message.type === 'D') row = valuesOf(message);
  }
}

async function nextOf(reader: MessageReader): Promise<ServerMessage> {
  const message = await reader.next();
  if (message.type === 'E') throw serverError(message);
  return message;
}

/** DataRow: a count, and for each value its length (-1 for NULL) and its bytes. */
function valuesOf({ body }: ServerMessage): (string | undefined)[] {
  let at = 2;
  return Array.from({ length: body.readInt16BE(0) }, () => {
    const length = body.readInt32BE(at);
    at += 4;
    if (length < 0) return undefined;
    at += length;
    return body.toString('utf8', at - length, at);
  });
}

interface ServerState {
  readonly isStandby: boolean;
  readonly isReadOnly: boolean;
}

function checkTarget(state: ServerState, target: SessionTarget): void {
  if (isWanted(state, target)) return;
  const kind = state.isStandby ? 'a standby' : state.isReadOnly ? 'read-only' : 'a primary';
  throw Object.assign(
    new Error(`the server is ${kind}, and target_session_attrs asks for ${target}`),
    { code: WRONG_SERVER },
  );
}

function isWanted({ isStandby, isReadOnly }: ServerState, target: SessionTarget): boolean {
  switch (target) {
    case 'read-write':
      return !isStandby && !isReadOnly;
    case 'read-only':
      return isStandby || isReadOnly;
    case 'primary':
      return !isStandby;
    case 'standby':
      return isStandby;
    default:
      return true;
  }
}
