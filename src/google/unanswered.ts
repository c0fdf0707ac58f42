import { ProjectorError } from '../errors.ts';
import { apiMessage } from './api-error.ts';

/** One of Google's services did not answer for as long as was tried, or failed. */
export class UnansweredError extends ProjectorError {}

/** What OpenSSL says of a certificate whose issuer is not known, by Node's codes. */
const UNTRUSTED = /SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET_ISSUER)|CERT_UNTRUSTED|DEPTH_ZERO/;

/** The error of such a service; a certificate that is not trusted is no outage. */
export function unanswered(
  code: 'BIGQUERY_FAILED' | 'STORAGE_FAILED',
  message: string,
  cause: unknown,
): ProjectorError {
  if (!UNTRUSTED.test(`${(cause as { code?: unknown }).code} ${apiMessage(cause)}`)) {
    const hint = 'Run the same command again; nothing was changed.';
    return new UnansweredError({ code, message, hint, cause });
  }
  return new ProjectorError({
    code: 'GOOGLE_TLS_UNTRUSTED',
    message,
    hint: 'A proxy that inspects TLS answers with a certificate of its own: write its certificate authority into a file (PEM), and set NODE_EXTRA_CA_CERTS to the path of that file.',
    cause,
  });
}
