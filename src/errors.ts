import type { ErrorCode } from './error-codes.ts';
import { printable } from './printable.ts';

/** The exit codes, once: `--help` and the reference print this table. */
export const EXIT_CODES = {
  0: 'done, or nothing to do',
  1: 'failed; nothing visible changed',
  2: 'usage: an argument is wrong; nothing was touched',
  3: 'another run holds the target',
  129: 'interrupted by SIGHUP; cleaned up',
  130: 'interrupted by SIGINT; cleaned up',
  143: 'interrupted by SIGTERM; cleaned up',
} as const;

/** One of the exit codes. */
export type ExitCode = keyof typeof EXIT_CODES;

/** The facts of a failure, for its error. */
export interface Failure {
  readonly code: ErrorCode;
  /** What happened, to which table, column or object, in the user's own names. */
  readonly message: string;
  /** What to do next: a sentence, ending in the command or statement to run where there is one. */
  readonly hint?: string;
  readonly cause?: unknown;
  readonly exitCode?: ExitCode;
}

/**
 * A failure for the user to read. It is thrown where the facts are known, caught once at the
 * top, and never holds a secret: the text goes to logs and to the ledger as it is.
 */
export class ProjectorError extends Error {
  override readonly name = 'ProjectorError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly exitCode: ExitCode;

  constructor(failure: Failure) {
    super(failure.message, { cause: failure.cause });
    this.code = failure.code;
    this.hint = failure.hint;
    this.exitCode = failure.exitCode ?? 1;
  }
}

/**
 * One of Google's services did not answer for as long as was tried. A later run may succeed; the
 * connection that its cause names is none to PostgreSQL.
 */
export class UnansweredError extends ProjectorError {}

/** Whether it is the program's own error of this code. */
export function hasCode(error: unknown, code: ErrorCode): error is ProjectorError {
  return error instanceof ProjectorError && error.code === code;
}

/**
 * The message of anything that was thrown, as printable text: never empty, never `[object Object]`. Of
 * an object only those fields are looked at that hold words for people, so that no secret is told.
 */
export function messageOf(error: unknown): string {
  return printable(wordsOf(error) ?? 'an error without a message');
}

/** Where libraries and services keep their words, in the order in which they tell most. */
const FIELDS_WITH_WORDS = [
  ...['message', 'error_description', 'error', 'errors', 'response', 'data'],
  ...['reason', 'code', 'status', 'name'],
];
const MAX_DEPTH = 4;

function wordsOf(thrown: unknown, depth = 0): string | undefined {
  if (typeof thrown === 'string') {
    return thrown === '' || thrown.includes('[object Object]') ? undefined : thrown;
  }
  if (typeof thrown !== 'object' || thrown === null) {
    return thrown === undefined && depth > 0 ? undefined : String(thrown);
  }
  if (depth > MAX_DEPTH) return undefined;
  if (Array.isArray(thrown)) {
    const words = thrown
      .map((item) => wordsOf(item, depth + 1))
      .filter((text) => text !== undefined);
    return words.length === 0 ? undefined : [...new Set(words)].join('; ');
  }
  for (const field of FIELDS_WITH_WORDS) {
    const words = wordsOf((thrown as Partial<Record<string, unknown>>)[field], depth + 1);
    if (words !== undefined) return words;
  }
  return undefined;
}
