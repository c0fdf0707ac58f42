import postgres from 'postgres';
import { messageOf, ProjectorError, UnansweredError } from '../errors.ts';
import type { Connection } from './connection/connection.ts';
import { networkRemedy } from './network-errors.ts';
import { TlsError } from './socket.ts';
import { type Remedy, type RetryOn, sqlStateRemedy } from './sqlstates.ts';
import { LoginError } from './startup/login-error.ts';

/**
 * Turns what the server, the network or TLS threw into what a user is told, a ProjectorError: a stable
 * code, what happened, what to do. Anything else stays as it is: a defect of the program's own is no
 * matter of the server.
 */
export function describeServerError(error: unknown, connection?: Connection): unknown {
  if (error instanceof ProjectorError) return error;
  const remedy = remedyOf(error);
  if (remedy === undefined && !(error instanceof postgres.PostgresError)) return error;
  const at = connection === undefined ? '' : `${connection.label}: `;
  return new ProjectorError({
    code: remedy?.code ?? 'POSTGRES_ERROR',
    message: `${at}${describeError(error)}`,
    hint:
      remedy?.hint ?? 'Look up the message in the PostgreSQL manual, and the server log for more.',
    cause: error,
  });
}

/** On what the work that failed so may succeed without anyone doing anything. */
export function retryOn(error: unknown): RetryOn {
  if (error instanceof UnansweredError) return 'nothing';
  if (error instanceof ProjectorError) return retryOn(error.cause);
  return remedyOf(error)?.retryOn ?? 'nothing';
}

/** Whether trying again, or a later run, may well succeed without anyone doing anything. */
export function isRetryable(error: unknown): boolean {
  return retryOn(error) !== 'nothing';
}

/** Whether trying again now may well succeed: what only a later run can hope for, such as memory, would be asked for again and again. */
export function isPassing(error: unknown): boolean {
  const where = retryOn(error);
  return where === 'same session' || where === 'new session';
}

/** What to do about a failure of the server, the network or TLS; undefined for anything else. */
export function remedyOf(error: unknown): Remedy | undefined {
  if (error instanceof postgres.PostgresError) return sqlStateRemedy(error.code);
  return error instanceof LoginError ? error.remedy : networkRemedy(error);
}

/** The server's message with its detail, hint and place; SQLSTATEs make it findable. */
export function describeError(error: unknown): string {
  if (error instanceof TlsError) return `TLS: ${error.message}`;
  if (!(error instanceof postgres.PostgresError)) return messageOf(error);
  const more = [error.detail, error.hint, error.where].filter((text) => text !== undefined);
  return [`${error.message} (SQLSTATE ${error.code})`, ...more].join('; ');
}
