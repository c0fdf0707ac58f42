import type { Socket } from 'node:net';
import postgres from 'postgres';
import { ProjectorError } from '../errors.ts';
import { type Attempt, connectFailure } from './connect-failure.ts';
import type { Connection, Server, SessionTarget } from './connection/connection.ts';
import { ConnectDeadline, type Encryption, openSocket, TlsError } from './socket.ts';
import { CANNOT_CONNECT_NOW, hasSqlState } from './sqlstates.ts';
import { settingsStatement } from './startup/initial-settings.ts';
import { LoginError } from './startup/login-error.ts';
import { requireSessionMode } from './startup/pooler.ts';
import { RawSession, type SessionRequest, withoutOptions } from './startup/raw-session.ts';
import { requireTarget } from './startup/server-kind.ts';

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

/** How long a second session by the same pooler may take. */
const SECOND_SESSION_MS = 2000;

/**
 * Opens sessions, each by the first host and with the first kind of encryption that libpq would settle
 * on. The walk through the hosts begins at the one that the last session was opened on, so that the
 * sessions of a run stay together as long as that server is what was asked for.
 */
export class SessionOpener {
  readonly #connection: Connection;
  readonly #options: SessionOptions;
  #last: Server | undefined;
  /** Hosts whose pooler is known to keep a session to itself. */
  readonly #checked = new Set<Server>();

  constructor(connection: Connection, options: SessionOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  /**
   * A socket on which the server waits for a query. Rejects with a ProjectorError that says what each
   * attempt met.
   */
  async open(): Promise<Socket> {
    const attempts: Attempt[] = [];
    for (const target of targetsInOrder(this.#connection.targetSession)) {
      for (const server of this.#hostsInOrder()) {
        const socket = await this.#openOn(server, target, attempts);
        if (socket !== undefined) return socket;
        if (!mayTryNextHost(attempts.at(-1)?.error)) throw this.#failure(attempts);
      }
    }
    throw this.#failure(attempts);
  }

  #failure(attempts: readonly Attempt[]): ProjectorError {
    return connectFailure(this.#connection, attempts);
  }

  #hostsInOrder(): readonly Server[] {
    const { hosts } = this.#connection;
    const last = this.#last;
    return last === undefined ? hosts : [last, ...hosts.filter((server) => server !== last)];
  }

  /** undefined if the host failed, which is then the last of `attempts`. */
  async #openOn(
    server: Server,
    target: SessionTarget,
    attempts: Attempt[],
  ): Promise<Socket | undefined> {
    for (const encryption of encryptionsInOrder(this.#connection, server)) {
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
    using deadline = new ConnectDeadline(this.#connection.connectTimeoutMs);
    try {
      const { session, request } = await this.#logIn(route, deadline);
      const pid = await requireTarget(session, route.target);
      if (session.key !== pid) await this.#checkPooler(session, route);
      await session.query(settingsStatement(session.serverMajor, request.settings));
      this.#last = route.server;
      return session.handOver();
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
      const socket = await openSocket(this.#connection, server, encryption, deadline);
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

  /** Once for each host. Where the pooler has no second session to give, there is no telling. */
  async #checkPooler(session: RawSession, route: Route): Promise<void> {
    if (this.#checked.has(route.server)) return;
    using deadline = new ConnectDeadline(SECOND_SESSION_MS);
    try {
      const { session: other } = await this.#logIn(route, deadline);
      await requireSessionMode(session, other);
      other.end();
    } catch (error) {
      deadline.close();
      if (error instanceof ProjectorError) throw error;
    }
    this.#checked.add(route.server);
  }

  async #requestFor(server: Server): Promise<SessionRequest> {
    const { user, database, channelBinding, options, applicationName, needsIamToken } =
      this.#connection;
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

function targetsInOrder(target: SessionTarget): SessionTarget[] {
  return target === 'prefer-standby' ? ['standby', 'any'] : [target];
}

/** "Table 34.1. SSL Mode Descriptions" of the PostgreSQL manual. */
function encryptionsInOrder(connection: Connection, server: Server): Encryption[] {
  const { mode } = connection.tls;
  if (server.isUnixSocket || mode === 'disable') return ['never'];
  if (mode === 'allow') return ['never', 'always'];
  return mode === 'prefer' ? ['offered', 'never'] : ['always'];
}

/** As libpq does: after a failed handshake, or when the server turns down this kind of login. */
function mayTryOtherEncryption(error: unknown): boolean {
  return error instanceof TlsError || isLoginRefusal(error);
}

function isLoginRefusal(error: unknown): boolean {
  return error instanceof postgres.PostgresError && error.code.startsWith('28');
}

/** As libpq does: a server that answers ends the search, unless it is starting up or not wanted. */
function mayTryNextHost(error: unknown): boolean {
  if (error instanceof ProjectorError || error instanceof LoginError) return false;
  return !(error instanceof postgres.PostgresError) || hasSqlState(error, CANNOT_CONNECT_NOW);
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
