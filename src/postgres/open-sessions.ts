import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Connection, Server } from './connection/connection.ts';
import { ConnectDeadline, type Encryption, openSocket } from './socket.ts';
import { cancelRequest } from './startup/messages.ts';

/** Where a session is, and by which key the server, or the pooler, knows it. */
interface OpenSession {
  readonly server: Server;
  readonly encryption: Encryption;
  readonly key: Buffer;
}

/** How long a request to cancel may take: it is asked again where it came to nothing. */
const CANCEL_MS = 2000;

/** The sessions that are open, by the process ids of their backends, and how each is cancelled. */
export class OpenSessions {
  readonly #connection: Connection;
  readonly #sessions = new Map<number, OpenSession>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Remembers a session until its socket closes. */
  add(backend: number, session: OpenSession, socket: Socket): void {
    this.#sessions.set(backend, session);
    socket.once('close', () => {
      if (this.#sessions.get(backend) === session) this.#sessions.delete(backend);
    });
  }

  /**
   * Has the server cancel what `backend` runs now, by a CancelRequest of the protocol: that needs
   * neither a login nor one of the connections that the role or the server may have left. Resolves when
   * the request was seen to, or there is no such session.
   */
  async cancel(backend: number): Promise<void> {
    const session = this.#sessions.get(backend);
    if (session === undefined) return;
    using deadline = new ConnectDeadline(CANCEL_MS);
    const { server, encryption, key } = session;
    const socket = await openSocket(this.#connection, server, encryption, deadline);
    socket.write(cancelRequest(key));
    // The server answers nothing; it closes the connection when it has passed the request on.
    socket.resume();
    await once(socket, 'close');
  }
}
