import { messageOf, ProjectorError } from '../../errors.ts';
import { hasSqlState, PROTOCOL_VIOLATION } from '../sqlstates.ts';
import type { RawSession } from './raw-session.ts';

const PID = 'SELECT pg_catalog.pg_backend_pid()';

/**
 * Throws TRANSACTION_POOLER if a pooler hands the backend of one session, which is idle, to another
 * between two statements: what a session locks and sets would then be left on a backend of others.
 * `other` is a second session by the same pooler; its transaction holds on to whatever backend it gets.
 */
export async function requireSessionMode(session: RawSession, other: RawSession): Promise<void> {
  const before = await pidOf(session);
  const taken = await other.query(`BEGIN; ${PID}`).catch((error) => {
    // In statement mode there is no BEGIN.
    if (isStatementMode(error)) throw transactionPooler('statement');
    throw error;
  });
  const meanwhile = await pidOf(session);
  await other.query('ROLLBACK');
  const after = await pidOf(session);
  const isKept = Number(taken[0]) !== before && meanwhile === before && after === before;
  if (!isKept) throw transactionPooler('transaction');
}

/** PgBouncer has one SQLSTATE for all that it says, and says it in English. */
function isStatementMode(error: unknown): boolean {
  return hasSqlState(error, PROTOCOL_VIOLATION) && /statement pooling/.test(messageOf(error));
}

async function pidOf(session: RawSession): Promise<number> {
  const [pid] = await session.query(PID);
  return Number(pid);
}

function transactionPooler(mode: string): ProjectorError {
  return new ProjectorError({
    code: 'TRANSACTION_POOLER',
    message: `--pg-conn leads to a connection pooler in ${mode} mode: no lock of a session holds there`,
    hint: 'Use the pooler in session mode (pool_mode = session in PgBouncer), or connect to the server itself.',
  });
}
