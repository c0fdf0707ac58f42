import type { Socket } from 'node:net';
import postgres from 'postgres';
import { ProjectorError } from '../errors.ts';
import {
  encryptionsInOrder,
  mayTryNextHost,
  mayTryOtherEncryption,
  targetsInOrder,
} from './attempt-order.ts';
import { type Attempt, connectFailure } from './connect-failure.ts';
import type { Connection, Server, SessionTarget } from './connection/connection.ts';
import { OpenSessions } from './open-sessions.ts';
import { ConnectDeadline, type Encryption, openSocket } from './socket.ts';
import { settingColumns } from './startup/initial-settings.ts';
import { requireSessionMode } from './startup/pooler.ts';
import { RawSession, type SessionRequest, withoutOptions } from './startup/raw-session.ts';
import { KIND_COLUMNS, requireTarget } from './startup/server-kind.ts';

/** What the connection string does not say of sessions. */
export interface SessionOptions {
  /** What pg_stat_activity shows, unless the connection string says otherwise. */
  readonly applicationName: string;
  /** A fresh access token of Google Cloud: called once for each connection of an IAM user. */
  readonly accessToken?: () => Promise<string>;
}

/** One way to reach one of the hosts. */
interface Route {
  readonly server: Server;
  readonly encryption: Encryption;
  readonly target: SessionTarget;
}

const PID = 'pg_catalog.pg_backend_pid()';

/** How long a second session by the same pooler may take. */
const SECOND_SESSION_MS = 2000;

/**
 * Opens sessions, each by the first host and with the first kind of encryption that libpq would settle
 * on. The walk through the hosts begins at the one that the last session was opened on, so that the
 * sessions of a run stay together as long as that server is what was asked for.
 */
export class SessionOpener {
  readonly connection: Connection;
  readonly #options: SessionOptions;
  #last: Server | undefined;
  /** Hosts whose pooler is known to keep a session to itself. */
  readonly #checked = new Set<Server>();
  readonly #openSessions: OpenSessions;
  #isOnlyOne = false;

  constructor(connection: Connection, options: SessionOptions) {
    this.connection = connection;
    this.#openSessions = new OpenSessions(connection);
    this.#options = options;
  }

  /** Whether a pooler had no second session to give. */
  get isOnlyOne(): boolean {
    return this.#isOnlyOne;
  }

  /**
   * A socket on which the server waits for a query. Rejects with a ProjectorError that says what each
   * attempt met.
   */
  async open(): Promise<Socket> {
    const attempts: Attempt[] = [];
    for (const target of targetsInOrder(this.connection.targetSession)) {
      for (const server of this.#hostsInOrder()) {
        const socket = await this.#openOn(server, target, attempts);
        if (socket !== undefined) return socket;
        if (!mayTryNextHost(attempts.at(-1)?.error)) throw this.#failure(attempts);
      }
    }
    throw this.#failure(attempts);
  }

  /** Has the server cancel what the session on `backend` runs now; see OpenSessions. */
  async cancel(backend: number): Promise<void> {
    await this.#openSessions.cancel(backend);
  }

  #failure(attempts: readonly Attempt[]): ProjectorError {
    return connectFailure(this.connection, attempts);
  }

  #hostsInOrder(): readonly Server[] {
    const { hosts } = this.connection;
    const last = this.#last;
    return last === undefined ? hosts : [last, ...hosts.filter((server) => server !== last)];
  }

  /** undefined if the host failed, which is then the last of `attempts`. */
  async #openOn(
    server: Server,
    target: SessionTarget,
    attempts: Attempt[],
  ): Promise<Socket | undefined> {
    for (const encryption of encryptionsInOrder(this.connection, server)) {
      try {
        return await this.#openBy({ server, encryption, target });
      } catch (error) {
        attempts.push({ server, error });
        if (!mayTryOtherEncryption(error)) return undefined;
      }
    }
    return undefined;
  }

  async #openBy(route: Route): Promise<Socket> {
    using deadline = new ConnectDeadline(this.connection.connectTimeoutMs);
    try {
      const { session, request } = await this.#logIn(route, deadline);
      const settings = (condition: string) =>
        settingColumns(session.serverMajor, request.settings, condition).join(', ');
      // On a backend that a pooler may hand to others, nothing is set yet.
      const isDirect = `${PID} = ${session.keyPid ?? 0}`;
      const kind = KIND_COLUMNS.join(', ');
      const [pid, ...row] = await session.query(`SELECT ${PID}, ${kind}, ${settings(isDirect)}`);
      requireTarget(row, route.target);
      const backend = Number(pid);
      if (backend !== session.keyPid) {
        await this.#checkPooler(session, route);
        await session.query(`SELECT ${settings('true')}`);
      }
      this.#last = route.server;
      const socket = session.handOver(backend);
      if (session.key) this.#openSessions.add(backend, { ...route, key: session.key }, socket);
      return socket;
    } catch (error) {
      deadline.close();
      throw deadline.timeout ?? error;
    }
  }

  async #logIn(
    { server, encryption }: Route,
    deadline: ConnectDeadline,
  ): Promise<{ readonly session: RawSession; readonly request: SessionRequest }> {
    const logIn = async (request: SessionRequest) => {
      const socket = await openSocket(this.connection, server, encryption, deadline);
      return { session: await RawSession.logIn(socket, request), request };
    };
    const request = await this.#requestFor(server);
    try {
      return await logIn(request);
    } catch (error) {
      const another = withoutOptions(request, error);
      if (another === undefined) throw error;
      deadline.close();
      return await logIn(another);
    }
  }

  /**
   * Once for each host. Where the pooler has no second session to give, which it says or lets one wait
   * for, there is no telling. Anything else that fails is no answer: it is asked again.
   */
  async #checkPooler(session: RawSession, route: Route): Promise<void> {
    if (this.#checked.has(route.server)) return;
    using deadline = new ConnectDeadline(SECOND_SESSION_MS);
    let hasOther = false;
    try {
      const { session: other } = await this.#logIn(route, deadline);
      hasOther = true;
      await requireSessionMode(session, other);
      other.end();
    } catch (error) {
      deadline.close();
      const isRefused = !hasOther && error instanceof postgres.PostgresError;
      if (!isRefused && deadline.timeout === undefined) throw error;
      this.#isOnlyOne = true;
    }
    this.#checked.add(route.server);
  }

  async #requestFor(server: Server): Promise<SessionRequest> {
    const { user, database, channelBinding, options, applicationName, needsIamToken } =
      this.connection;
    return {
      user,
      database,
      channelBinding,
      options,
      password: needsIamToken ? await freshToken(this.#options) : server.password?.reveal(),
      applicationName: applicationName ?? this.#options.applicationName,
      settings: [],
    };
  }
}

async function freshToken(options: SessionOptions): Promise<string> {
  if (options.accessToken === undefined) throw new Error('no access token is available');
  try {
    return await options.accessToken();
  } catch (cause) {
    throw new ProjectorError({
      code: 'NO_ACCESS_TOKEN',
      message: 'no access token for the IAM login to PostgreSQL is available',
      hint: 'Check the credentials of this machine: gcloud auth application-default print-access-token.',
      cause,
    });
  }
}
