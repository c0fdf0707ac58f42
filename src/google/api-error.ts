import { messageOf } from '../errors.ts';

/** What Google's JSON errors and BigQuery's failed jobs hold (REST reference, "Error messages"). */
interface ApiError {
  readonly code?: number | string;
  readonly errors?: readonly { readonly reason?: string; readonly message?: string }[];
}

/** Google's code for the error: `notFound`, `accessDenied`, ...; undefined for others. */
export function reasonOf(error: unknown): string | undefined {
  return (error as ApiError | undefined)?.errors?.[0]?.reason;
}

/** The HTTP status of a failed call; undefined where there was no answer. */
export function statusOf(error: unknown): number | undefined {
  const code = Number((error as ApiError | undefined)?.code);
  return Number.isInteger(code) ? code : undefined;
}

/** Google's own sentence, without the stack of reasons that the clients append. */
export function apiMessage(error: unknown): string {
  const { errors } = error as ApiError;
  return errors?.[0]?.message ?? messageOf(error);
}
