import type { Socket } from 'node:net';
import postgres from 'postgres';
import { notPostgres } from './login-error.ts';

/** A message of the server ("54.7. Message Formats" of the PostgreSQL manual). */
export interface ServerMessage {
  /** Its type, as a character: `R`, `E`, `Z`, ... */
  readonly type: string;
  readonly body: Buffer;
}

/** No message before the end of a login is longer; what is, was not sent by PostgreSQL. */
const MAX_BODY_BYTES = 65_536;

/**
 * Reads the messages of a server one by one, until the socket is handed over. A socket that fails or
 * closes rejects what is being read.
 */
export class MessageReader {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #failure: Error | undefined;
  #wake: () => void = () => undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', this.#onData);
    socket.on('error', this.#onEnd);
    socket.on('close', this.#onClose);
  }

  /** The next message. Notices are left out: they are for people at a terminal. */
  async next(): Promise<ServerMessage> {
    const header = await this.#take(5);
    const length = header.readInt32BE(1) - 4;
    if (length < 0 || length > MAX_BODY_BYTES) throw notPostgres();
    const body = await this.#take(length);
    const type = String.fromCharCode(header[0] ?? 0);
    return type === 'N' ? await this.next() : { type, body };
  }

  /** Leaves the socket to its next reader, who is given `first` before what the server sends. */
  handOver(first: Buffer): void {
    this.#socket.pause();
    this.#socket.off('data', this.#onData);
    this.#socket.off('error', this.#onEnd);
    this.#socket.off('close', this.#onClose);
    this.#socket.unshift(Buffer.concat([first, this.#received]));
  }

  async #take(bytes: number): Promise<Buffer> {
    while (this.#received.length < bytes) {
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const taken = this.#received.subarray(0, bytes);
    this.#received = this.#received.subarray(bytes);
    return taken;
  }

  readonly #onData = (chunk: Buffer) => {
    this.#received = Buffer.concat([this.#received, chunk]);
    this.#wake();
  };

  readonly #onEnd = (error: Error) => {
    this.#failure ??= error;
    this.#wake();
  };

  readonly #onClose = () => {
    const message = 'the server closed the connection';
    this.#onEnd(Object.assign(new Error(message), { code: 'CONNECTION_CLOSED' }));
  };
}

/** A message of the client: `type` is one character. */
export function clientMessage(type: string, ...parts: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from(type), withLength(...parts)]);
}

/** StartupMessage, which has no type: version 3.0, and parameters by name. */
export function startupMessage(parameters: Readonly<Record<string, string>>): Buffer {
  const pairs = Object.entries(parameters).flatMap(([name, value]) => [text(name), text(value)]);
  return withLength(int32(0x0003_0000), ...pairs, Buffer.of(0));
}

/** CancelRequest, which has no type either: `key` is the body of the session's BackendKeyData. */
export function cancelRequest(key: Buffer): Buffer {
  return withLength(int32(80_877_102), key);
}

/** A text as the protocol ends it, by a zero. */
export function text(value: string): Buffer {
  return Buffer.from(`${value}\0`);
}

/** A number as the protocol writes it. */
export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** The length counts itself. */
function withLength(...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([int32(body.length + 4), body]);
}

/** Fields of an ErrorResponse, by the names that postgres.js gives them. */
const ERROR_FIELDS: Readonly<Record<string, string>> = {
  V: 'severity',
  C: 'code',
  M: 'message',
  D: 'detail',
  H: 'hint',
  W: 'where',
  R: 'routine',
};

/** The error that an ErrorResponse tells of. */
export function serverError({ body }: ServerMessage): Error {
  const fields: Record<string, string> = {};
  for (const field of body.toString().split('\0')) {
    const name = ERROR_FIELDS[field.charAt(0)];
    if (name !== undefined) fields[name] = field.slice(1);
  }
  // The constructor takes the fields; its types do not say so.
  const PostgresError = postgres.PostgresError as unknown as new (fields: object) => Error;
  return new PostgresError(fields);
}
