import type { Remedy } from '../sqlstates.ts';

/** A login that fails on this side. As in libpq, neither another host nor another try mends it. */
export class LoginError extends Error {
  override readonly name = 'LoginError';
  readonly remedy: Remedy;

  constructor(message: string, hint: string, code: Remedy['code'] = 'LOGIN_REFUSED') {
    super(message);
    this.remedy = { code, hint, retryOn: 'nothing' };
  }
}

/** The error of a way of logging in that is not built in. */
export function unknownLogin(name: string): LoginError {
  return new LoginError(
    `the server asks for ${name}, which is not built in`,
    'Let pg_hba.conf ask this user for scram-sha-256 or a certificate.',
  );
}

/** The error of an answer that no PostgreSQL server gives. */
export function notPostgres(): LoginError {
  return new LoginError(
    'what answers there is not PostgreSQL',
    'Check the host and port of --pg-conn.',
    'UNREACHABLE',
  );
}
