import { ProjectorError } from '../errors.ts';
import type { Connection, Server } from './connection/connection.ts';
import { isMisdirected, UNREACHABLE_HINT } from './network-errors.ts';
import { describeError, remedyOf, retryOn } from './server-errors.ts';

/** A failed attempt to connect. */
export interface Attempt {
  readonly server: Server;
  readonly error: unknown;
}

/**
 * The failure of all attempts, in the order in which they were made: what each met, with the code of
 * the last one that gives hope, or else of the last.
 */
export function connectFailure(
  connection: Connection,
  attempts: readonly Attempt[],
): ProjectorError {
  const last = attempts.at(-1)?.error;
  if (last instanceof ProjectorError) return last;
  const decisive = attempts.findLast(({ error }) => givesHope(error))?.error ?? last;
  const met = attempts.map(
    ({ server, error }) => `${server.name}:${server.port}: ${describeError(error)}`,
  );
  const remedy = remedyOf(decisive);
  const hints = [
    remedy?.hint ?? UNREACHABLE_HINT,
    ...connection.warnings.map((text) => `Note that ${text}.`),
  ];
  return new ProjectorError({
    code: remedy?.code ?? 'UNREACHABLE',
    message: `cannot connect to ${connection.label}: ${[...new Set(met)].join('; ')}`,
    hint: hints.join(' '),
    cause: decisive,
  });
}

/** A standby that is no primary yet, and a primary that is away, are a failover; the first alone is not. */
function givesHope(error: unknown): boolean {
  return retryOn(error) === 'new session' && !isMisdirected(error);
}
