import type { Socket } from 'node:net';
import { hasSqlState, PROTOCOL_VIOLATION } from '../sqlstates.ts';
import { authenticate, type Login } from './authenticate.ts';
import { type Setting, settingsOfOptions } from './initial-settings.ts';
import {
  clientMessage,
  int32,
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
}

/** The values of a row, as the server writes them; undefined is NULL. */
export type TextRow = readonly (string | undefined)[];

/** ReadyForQuery, outside of a transaction. */
const READY = clientMessage('Z', Buffer.from('I'));

/** A session that has just begun, before it is handed to postgres.js. */
export class RawSession {
  readonly #socket: Socket;
  readonly #reader: MessageReader;
  #key: Buffer | undefined;
  #serverMajor = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#reader = new MessageReader(socket);
  }

  /** Logs in on a socket that is ready for the startup message. Throws the server's error, or a LoginError. */
  static async logIn(socket: Socket, request: SessionRequest): Promise<RawSession> {
    const session = new RawSession(socket);
    socket.write(startupMessage(startupParameters(request)));
    await authenticate(socket, session.#reader, request);
    await session.#untilReady((message) => session.#learn(message));
    return session;
  }

  /** What the session is cancelled by: a process id and a secret. undefined: the server gave none. */
  get key(): Buffer | undefined {
    return this.#key;
  }

  /** The process id in the key: the backend's own, unless a pooler is in between. */
  get keyPid(): number | undefined {
    return this.#key?.readInt32BE(0);
  }

  /** The major version of the server; 0 if it does not tell. */
  get serverMajor(): number {
    return this.#serverMajor;
  }

  /** Runs statements without parameters; gives the last row. */
  async query(statements: string): Promise<TextRow> {
    let row: TextRow = [];
    this.#socket.write(clientMessage('Q', text(statements)));
    await this.#untilReady((message) => {
      if (message.type === 'D') row = valuesOf(message);
    });
    return row;
  }

  /**
   * Leaves the socket to its next reader, who finds it paused, and first reads that the session is that
   * of `backend`, and that the server is ready.
   */
  handOver(backend: number): Socket {
    const key = clientMessage('K', int32(backend), int32(0));
    this.#reader.handOver(Buffer.concat([key, READY]));
    return this.#socket;
  }

  /** Ends the session. */
  end(): void {
    this.#socket.end(clientMessage('X'));
  }

  #learn({ type, body }: ServerMessage): void {
    if (type === 'K') this.#key = body;
    const [name, value = ''] = type === 'S' ? body.toString().split('\0') : [];
    if (name === 'server_version') this.#serverMajor = Number.parseInt(value, 10) || 0;
  }

  async #untilReady(onMessage: (message: ServerMessage) => void): Promise<void> {
    for (;;) {
      const message = await this.#reader.next();
      if (message.type === 'E') throw serverError(message);
      if (message.type === 'Z') return;
      onMessage(message);
    }
  }
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

/** DataRow: a count, and for each value its length (-1 for NULL) and its bytes. */
function valuesOf({ body }: ServerMessage): TextRow {
  let at = 2;
  return Array.from({ length: body.readInt16BE(0) }, () => {
    const length = body.readInt32BE(at);
    at += 4;
    if (length < 0) return undefined;
    at += length;
    return body.toString('utf8', at - length, at);
  });
}
