import type { ErrorCode } from '../error-codes.ts';

/** What a SQLSTATE means to a user of the projector. */
export interface SqlState {
  readonly code: ErrorCode;
  /** What to do, as a sentence. */
  readonly hint: string;
  /** Whether the same run, or the next one, may well succeed without anyone doing anything. */
  readonly retryable: boolean;
}

const LOST: SqlState = {
  code: 'CONNECTION_LOST',
  hint: 'Run it again; if it happens often, look into the server log and at the network between here and the server.',
  retryable: true,
};
const RESTARTING: SqlState = {
  code: 'SERVER_RESTARTED',
  hint: 'Run it again once the server is up.',
  retryable: true,
};
const BAD_LOGIN: SqlState = {
  code: 'LOGIN_REFUSED',
  hint: 'Check the user and the password (in --pg-conn, PGPASSWORD or the passfile), and that pg_hba.conf lets this machine in.',
  retryable: false,
};
const DENIED: SqlState = {
  code: 'PERMISSION_DENIED',
  hint: 'Grant the user of --pg-conn what the message names, or connect as the owner of the table.',
  retryable: false,
};
const CONFLICT: SqlState = {
  code: 'CONFLICT',
  hint: 'Run it again: another session was in the way.',
  retryable: true,
};

/** By SQLSTATE ("Appendix A. PostgreSQL Error Codes"), or by its class of two characters. */
const SQLSTATES: Readonly<Record<string, SqlState>> = {
  '08': LOST,
  '22': {
    code: 'BAD_VALUE',
    hint: 'The message names the column and the row: change the value in BigQuery, or the type of the column in PostgreSQL.',
    retryable: false,
  },
  '23': {
    code: 'CONSTRAINT_VIOLATED',
    hint: 'Change the rows in BigQuery, or drop the constraint that the message names.',
    retryable: false,
  },
  '25006': {
    code: 'READ_ONLY',
    hint: 'Connect to the primary: add target_session_attrs=read-write to --pg-conn, or use its address; also check default_transaction_read_only.',
    retryable: false,
  },
  '25P03': {
    code: 'IDLE_IN_TRANSACTION',
    hint: 'The session waited too long within a transaction: ALTER ROLE ... SET idle_in_transaction_session_timeout = 0 for the user of --pg-conn.',
    retryable: true,
  },
  '25P04': {
    code: 'TRANSACTION_TIMEOUT',
    hint: 'ALTER ROLE ... SET transaction_timeout = 0 for the user of --pg-conn.',
    retryable: false,
  },
  '28': BAD_LOGIN,
  '3D000': {
    code: 'NO_SUCH_DATABASE',
    hint: 'Create the database, or correct its name after the last / of --pg-conn.',
    retryable: false,
  },
  '3F000': {
    code: 'NO_SUCH_SCHEMA',
    hint: 'Create the schema: CREATE SCHEMA ...; or name another in --pg-table.',
    retryable: false,
  },
  '40001': CONFLICT,
  '40P01': CONFLICT,
  '42501': DENIED,
  '53100': {
    code: 'DISK_FULL',
    hint: 'Give the server more disk: a full load needs room for the table and its indexes twice. Then run it again.',
    retryable: false,
  },
  '53200': {
    code: 'OUT_OF_MEMORY',
    hint: 'Lower maintenance_work_mem or work_mem for the user of --pg-conn, or give the server more memory.',
    retryable: true,
  },
  '53300': {
    code: 'TOO_MANY_CONNECTIONS',
    hint: 'Close other sessions, or raise max_connections (or the CONNECTION LIMIT of the role or database), and run it again.',
    retryable: true,
  },
  '55P03': CONFLICT,
  '57014': {
    code: 'CANCELLED',
    hint: 'The statement was cancelled, by someone or by a timeout: ALTER ROLE ... SET statement_timeout = 0 for the user of --pg-conn.',
    retryable: false,
  },
  '57P01': RESTARTING,
  '57P02': RESTARTING,
  '57P03': {
    code: 'SERVER_NOT_READY',
    hint: 'The server is starting up, shutting down or recovering: run it again in a while.',
    retryable: true,
  },
  '57P05': LOST,
  '58030': {
    code: 'SERVER_IO_ERROR',
    hint: 'The server could not read or write its files: look into its log and at its disks.',
    retryable: false,
  },
};

/** What there is to say of a SQLSTATE, by itself or else by its class. */
export function sqlState(code: string): SqlState | undefined {
  return SQLSTATES[code] ?? SQLSTATES[code.slice(0, 2)];
}
