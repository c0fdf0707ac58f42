import { ProjectorError } from '../errors.ts';
import type { Connection, Server } from './connection/connection.ts';
import { UNREACHABLE_HINT } from './network-errors.ts';
import { describeError, remedyOf } from './server-errors.ts';

/** A failed attempt to connect. */
export interface Attempt {
  readonly server: Server;
  readonly error: unknown;
}

/** The failure of all attempts, in the order in which they were made: the last one's code, and what each met. */
export function connectFailure(
  connection: Connection,
  attempts: readonly Attempt[],
): ProjectorError {
  const last = attempts.at(-1)?.error;
  if (last instanceof ProjectorError) return last;
  const met = attempts.map(
    ({ server, error }) => `${server.name}:${server.port}: ${describeError(error)}`,
  );
  const remedy = remedyOf(last);
  const hints = [
    remedy?.hint ?? UNREACHABLE_HINT,
    ...connection.warnings.map((text) => `Note that ${text}.`),
  ];
  return new ProjectorError({
    code: remedy?.code ?? 'UNREACHABLE',
    message: `cannot connect to ${connection.label}: ${[...new Set(met)].join('; ')}`,
    hint: hints.join(' '),
    cause: last,
  });
}
