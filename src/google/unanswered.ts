import { ProjectorError, UnansweredError } from '../errors.ts';
import { apiMessage } from './api-error.ts';

/** What OpenSSL says of a certificate whose issuer is not known, by Node's codes. */
const UNTRUSTED = /SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET_ISSUER)|CERT_UNTRUSTED|DEPTH_ZERO/;

/** The error of such a service; a certificate that is not trusted is no outage. */
export function unanswered(
  code: 'BIGQUERY_FAILED' | 'STORAGE_FAILED',
  message: string,
  cause: unknown,
): ProjectorError {
  if (isUntrusted(cause)) return untrusted(message, cause);
  const hint = 'Run the same command again; nothing was changed.';
  return new UnansweredError({ code, message, hint, cause });
}

/** Whether whoever answered has a certificate that this machine does not trust. */
export function isUntrusted(error: unknown): boolean {
  return UNTRUSTED.test(`${(error as { code?: unknown }).code} ${apiMessage(error)}`);
}

/** The error of such an answer. */
export function untrusted(message: string, cause: unknown): ProjectorError {
  return new ProjectorError({
    code: 'GOOGLE_TLS_UNTRUSTED',
    message,
    hint: 'A proxy that inspects TLS answers with a certificate of its own: write its certificate authority into a file (PEM), and set NODE_EXTRA_CA_CERTS to the path of that file.',
    cause,
  });
}
