import type { SessionTarget } from '../connection/connection.ts';
import { WRONG_SERVER } from '../network-errors.ts';
import type { RawSession } from './raw-session.ts';

const STATE = `SELECT pg_catalog.pg_backend_pid(), pg_catalog.pg_is_in_recovery(),
  pg_catalog.current_setting('transaction_read_only')`;

interface ServerKind {
  readonly isStandby: boolean;
  readonly isReadOnly: boolean;
}

/** Throws WRONG_SERVER unless the server is what target_session_attrs asks for; gives the backend's pid. */
export async function requireTarget(session: RawSession, target: SessionTarget): Promise<number> {
  const [pid, isStandby, isReadOnly] = await session.query(STATE);
  const kind = { isStandby: isStandby === 't', isReadOnly: isReadOnly === 'on' };
  if (!isWanted(kind, target)) throw wrongServer(kind, target);
  return Number(pid);
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
