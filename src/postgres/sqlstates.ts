import type { ErrorCode } from '../error-codes.ts';

/*
 * SQLSTATEs by their condition names ("Appendix A. PostgreSQL Error Codes"). Nothing else in the
 * program writes one out.
 */
export const FEATURE_NOT_SUPPORTED = '0A000';
export const CONNECTION_FAILURE_CLASS = '08';
export const PROTOCOL_VIOLATION = '08P01';
export const DATA_EXCEPTION_CLASS = '22';
export const UNTRANSLATABLE_CHARACTER = '22P05';
export const INTEGRITY_VIOLATION_CLASS = '23';
export const FOREIGN_KEY_VIOLATION = '23503';
export const UNIQUE_VIOLATION = '23505';
export const CHECK_VIOLATION = '23514';
export const READ_ONLY_SQL_TRANSACTION = '25006';
export const IDLE_IN_TRANSACTION_SESSION_TIMEOUT = '25P03';
export const TRANSACTION_TIMEOUT = '25P04';
export const INVALID_AUTHORIZATION_CLASS = '28';
export const INVALID_CATALOG_NAME = '3D000';
export const INVALID_SCHEMA_NAME = '3F000';
export const DEPENDENT_OBJECTS_STILL_EXIST = '2BP01';
export const SERIALIZATION_FAILURE = '40001';
export const DEADLOCK_DETECTED = '40P01';
export const INSUFFICIENT_PRIVILEGE = '42501';
export const UNDEFINED_COLUMN = '42703';
export const WRONG_OBJECT_TYPE = '42809';
export const UNDEFINED_TABLE = '42P01';
export const DUPLICATE_TABLE = '42P07';
export const DISK_FULL = '53100';
export const OUT_OF_MEMORY = '53200';
export const TOO_MANY_CONNECTIONS = '53300';
export const PROGRAM_LIMIT_EXCEEDED = '54000';
export const LOCK_NOT_AVAILABLE = '55P03';
export const QUERY_CANCELED = '57014';
export const ADMIN_SHUTDOWN = '57P01';
export const CRASH_SHUTDOWN = '57P02';
export const CANNOT_CONNECT_NOW = '57P03';
export const IDLE_SESSION_TIMEOUT = '57P05';
export const IO_ERROR = '58030';
export const INTERNAL_ERROR = 'XX000';

/**
 * On what the same work may succeed after a failure, without anyone doing anything: on the same
 * session, which lives; on a new one; in a later run, for now it would only fail again; on nothing.
 */
export type RetryOn = 'same session' | 'new session' | 'later run' | 'nothing';

/** What there is to do about a failure. */
export interface Remedy {
  readonly code: ErrorCode;
  /** What to do, as a sentence. */
  readonly hint: string;
  readonly retryOn: RetryOn;
}

const LOST: Remedy = {
  code: 'CONNECTION_LOST',
  hint: 'Run it again; if it happens often, look into the server log and at the network between here and the server.',
  retryOn: 'new session',
};
const RESTARTING: Remedy = {
  code: 'SERVER_RESTARTED',
  hint: 'Run it again once the server is up.',
  retryOn: 'new session',
};
const CONFLICT: Remedy = {
  code: 'CONFLICT',
  hint: 'Run it again: another session was in the way.',
  retryOn: 'same session',
};

/** By SQLSTATE, or by its class of two characters. */
const REMEDIES: Readonly<Record<string, Remedy>> = {
  [CONNECTION_FAILURE_CLASS]: LOST,
  [DATA_EXCEPTION_CLASS]: {
    code: 'BAD_VALUE',
    hint: 'The message names the column and the row: change the value in BigQuery, or the type of the column in PostgreSQL.',
    retryOn: 'nothing',
  },
  [INTEGRITY_VIOLATION_CLASS]: {
    code: 'CONSTRAINT_VIOLATED',
    hint: 'Change the rows in BigQuery, or drop the constraint that the message names.',
    retryOn: 'nothing',
  },
  [READ_ONLY_SQL_TRANSACTION]: {
    code: 'READ_ONLY',
    hint: 'Connect to the primary: add target_session_attrs=read-write to --pg-conn, or use its address; also check default_transaction_read_only.',
    retryOn: 'nothing',
  },
  [IDLE_IN_TRANSACTION_SESSION_TIMEOUT]: {
    code: 'IDLE_IN_TRANSACTION',
    hint: 'The session waited too long within a transaction: ALTER ROLE ... SET idle_in_transaction_session_timeout = 0 for the user of --pg-conn.',
    retryOn: 'new session',
  },
  [TRANSACTION_TIMEOUT]: {
    code: 'TRANSACTION_TIMEOUT',
    hint: 'ALTER ROLE ... SET transaction_timeout = 0 for the user of --pg-conn.',
    retryOn: 'nothing',
  },
  [INVALID_AUTHORIZATION_CLASS]: {
    code: 'LOGIN_REFUSED',
    hint: 'Check the user and the password (in --pg-conn, PGPASSWORD or the passfile), and that pg_hba.conf lets this machine in.',
    retryOn: 'nothing',
  },
  [INVALID_CATALOG_NAME]: {
    code: 'NO_SUCH_DATABASE',
    hint: 'Create the database, or correct its name after the last / of --pg-conn.',
    retryOn: 'nothing',
  },
  [INVALID_SCHEMA_NAME]: {
    code: 'NO_SUCH_SCHEMA',
    hint: 'Create the schema: CREATE SCHEMA ...; or name another in --pg-table.',
    retryOn: 'nothing',
  },
  [SERIALIZATION_FAILURE]: CONFLICT,
  [DEADLOCK_DETECTED]: CONFLICT,
  [INSUFFICIENT_PRIVILEGE]: {
    code: 'PERMISSION_DENIED',
    hint: 'Grant the user of --pg-conn what the message names, or connect as the owner of the table.',
    retryOn: 'nothing',
  },
  [DISK_FULL]: {
    code: 'DISK_FULL',
    hint: 'Give the server more disk: a full load needs room for the table and its indexes twice. Then run it again.',
    retryOn: 'nothing',
  },
  // A server without memory would be asked for it again and again.
  [OUT_OF_MEMORY]: {
    code: 'OUT_OF_MEMORY',
    hint: 'Lower maintenance_work_mem or work_mem for the user of --pg-conn, or give the server more memory.',
    retryOn: 'later run',
  },
  [TOO_MANY_CONNECTIONS]: {
    code: 'TOO_MANY_CONNECTIONS',
    hint: 'Close other sessions, or raise max_connections (or the CONNECTION LIMIT of the role or database), and run it again.',
    retryOn: 'new session',
  },
  // Whoever sets a lock_timeout has waited for the lock already.
  [LOCK_NOT_AVAILABLE]: { ...CONFLICT, retryOn: 'later run' },
  [QUERY_CANCELED]: {
    code: 'CANCELLED',
    hint: 'The statement was cancelled, by someone or by a timeout: ALTER ROLE ... SET statement_timeout = 0 for the user of --pg-conn.',
    retryOn: 'nothing',
  },
  [ADMIN_SHUTDOWN]: RESTARTING,
  [CRASH_SHUTDOWN]: RESTARTING,
  [CANNOT_CONNECT_NOW]: {
    code: 'SERVER_NOT_READY',
    hint: 'The server is starting up, shutting down or recovering: run it again in a while.',
    retryOn: 'new session',
  },
  [IDLE_SESSION_TIMEOUT]: LOST,
  [IO_ERROR]: {
    code: 'SERVER_IO_ERROR',
    hint: 'The server could not read or write its files: look into its log and at its disks.',
    retryOn: 'nothing',
  },
};

/** What to do about a SQLSTATE, by itself or else by its class. */
export function sqlStateRemedy(state: string): Remedy | undefined {
  return REMEDIES[state] ?? REMEDIES[state.slice(0, 2)];
}

/** Whether the server failed something with one of `states`. */
export function hasSqlState(error: unknown, ...states: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && states.includes(String(error.code));
}
