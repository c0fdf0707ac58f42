import type { SessionTarget } from '../connection/connection.ts';
import { WRONG_SERVER } from '../network-errors.ts';
import type { TextRow } from './raw-session.ts';

/** Columns of a SELECT that say what kind of server a session is on. */
export const KIND_COLUMNS = [
  'pg_catalog.pg_is_in_recovery()',
  `pg_catalog.current_setting('transaction_read_only')`,
] as const;

interface ServerKind {
  readonly isStandby: boolean;
  readonly isReadOnly: boolean;
}

/** Throws WRONG_SERVER unless the server is what target_session_attrs asks for. */
export function requireTarget([isStandby, isReadOnly]: TextRow, target: SessionTarget): void {
  const kind = { isStandby: isStandby === 't', isReadOnly: isReadOnly === 'on' };
  if (!isWanted(kind, target)) throw wrongServer(kind, target);
}

function wrongServer({ isStandby, isReadOnly }: ServerKind, target: SessionTarget): Error {
  const kind = isStandby ? 'a standby' : isReadOnly ? 'read-only' : 'a primary';
  const message = `the server is ${kind}, and target_session_attrs asks for ${target}`;
  return Object.assign(new Error(message), { code: WRONG_SERVER });
}

function isWanted({ isStandby, isReadOnly }: ServerKind, target: SessionTarget): boolean {
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
