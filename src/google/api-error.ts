import { messageOf } from '../errors.ts';

/** What Google's JSON errors and BigQuery's failed jobs hold (REST reference, "Error messages"). */
interface ApiError {
  readonly code?: number | string;
  readonly status?: number | string;
  readonly errors?: readonly { readonly reason?: string; readonly message?: string }[];
}

/** The body of an answer, of an API or of whoever hands out tokens (RFC 6749, "Error Response"). */
interface ErrorBody {
  readonly error?: (ApiError & { readonly message?: string }) | string;
  readonly error_description?: string;
}

/** Google's code for the error: `notFound`, `accessDenied`, ...; undefined for others. */
export function reasonOf(error: unknown): string | undefined {
  return (error as ApiError | undefined)?.errors?.[0]?.reason;
}

/** The HTTP status of a failed call; undefined where there was no answer. */
export function statusOf(error: unknown): number | undefined {
  const { code, status } = (error ?? {}) as ApiError;
  return [code, status].map(Number).find(Number.isInteger);
}

/** Google's own sentence, without the stack of reasons that the clients append, and without JSON. */
export function apiMessage(error: unknown): string {
  const message = (error as ApiError).errors?.[0]?.message ?? messageOf(error);
  const start = message.indexOf('{');
  const body = start === -1 ? undefined : parseBody(message.slice(start));
  if (body?.error === undefined) return message;
  const sentence =
    typeof body.error === 'string'
      ? [body.error, body.error_description].filter(Boolean).join(': ')
      : (body.error.message ?? message);
  return message.slice(0, start) + sentence;
}

/** A failed read, and a token that was refused, have the whole JSON answer in their message. */
function parseBody(text: string): ErrorBody | undefined {
  try {
    return JSON.parse(text) as ErrorBody;
  } catch {
    return undefined;
  }
}
