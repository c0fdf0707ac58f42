import postgres from 'postgres';
import { ProjectorError } from '../errors.ts';
import type { Connection, Server, SessionTarget } from './connection/connection.ts';
import { type Encryption, TlsError } from './socket.ts';
import { CANNOT_CONNECT_NOW, hasSqlState, INVALID_AUTHORIZATION_CLASS } from './sqlstates.ts';
import { LoginError } from './startup/login-error.ts';

/** The kinds of server to look for, one after the other. */
export function targetsInOrder(target: SessionTarget): SessionTarget[] {
  return target === 'prefer-standby' ? ['standby', 'any'] : [target];
}

/** The kinds of encryption to try, by "Table 34.1. SSL Mode Descriptions" of the PostgreSQL manual. */
export function encryptionsInOrder(connection: Connection, server: Server): Encryption[] {
  const { mode } = connection.tls;
  if (server.isUnixSocket || mode === 'disable') return ['never'];
  if (mode === 'allow') return ['never', 'always'];
  return mode === 'prefer' ? ['offered', 'never'] : ['always'];
}

/** As libpq does: after a failed handshake, or when the server turns down this kind of login. */
export function mayTryOtherEncryption(error: unknown): boolean {
  return error instanceof TlsError || isLoginRefusal(error);
}

function isLoginRefusal(error: unknown): boolean {
  return (
    error instanceof postgres.PostgresError && error.code.startsWith(INVALID_AUTHORIZATION_CLASS)
  );
}

/** As libpq does: a server that answers ends the search, unless it is starting up or not wanted. */
export function mayTryNextHost(error: unknown): boolean {
  if (error instanceof ProjectorError || error instanceof LoginError) return false;
  return !(error instanceof postgres.PostgresError) || hasSqlState(error, CANNOT_CONNECT_NOW);
}
