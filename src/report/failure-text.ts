import type { ErrorCode } from '../error-codes.ts';
import { messageOf, ProjectorError } from '../errors.ts';
import { printable } from '../printable.ts';

/** Anything that was thrown, in the words for people and the fields for machines. */
export interface FailureText {
  /** For machines; `UNEXPECTED` for what was not foreseen. */
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
  /** The messages of the causes, outermost first, without those that repeat an earlier one. */
  readonly causes: readonly string[];
  /** Only of what was not foreseen: there it is the best lead. */
  readonly stack: string | undefined;
}

const MAX_CAUSES = 6;

/** Puts anything that was thrown into words. */
export function failureText(error: unknown): FailureText {
  const known = error instanceof ProjectorError ? error : undefined;
  return {
    code: known?.code ?? 'UNEXPECTED',
    message: messageOf(error),
    hint:
      known === undefined
        ? 'Run it again; if it stays, report it with these lines.'
        : printable(known.hint ?? ''),
    causes: causesOf(error),
    stack: known === undefined && error instanceof Error ? error.stack : undefined,
  };
}

/** The failure in paragraphs: what happened, why, what to do. */
export function failureParagraphs(failure: FailureText): string {
  const causes = failure.causes.map((cause) => `Cause: ${cause}`);
  const stack = failure.stack === undefined ? [] : [failure.stack];
  const hint = failure.hint === '' ? [] : [failure.hint];
  return [`${failure.message} (${failure.code})`, ...causes, ...stack, ...hint].join('\n');
}

function causesOf(error: unknown): readonly string[] {
  const messages = [messageOf(error)];
  const remaining = causesWithin(error);
  while (remaining.length > 0 && messages.length <= MAX_CAUSES) {
    const cause = remaining.shift();
    const message = messageOf(cause);
    if (!messages.some((earlier) => earlier.includes(message))) messages.push(message);
    remaining.unshift(...causesWithin(cause));
  }
  return messages.slice(1);
}

function causesWithin(error: unknown): unknown[] {
  if (!(error instanceof Error)) return [];
  const several = error instanceof AggregateError ? error.errors : [];
  return [...several, ...(error.cause === undefined ? [] : [error.cause])];
}
