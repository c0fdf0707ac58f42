import type { ErrorCode } from '../../src/error-codes.ts';
import type { Action } from './user-steps.ts';

/**
 * The errors that a user meets by what sequences do, with what the user then does, as the message says:
 * nothing but run again, or a full load. Any other error is a fault of the program.
 */
export const REMEDIES: Readonly<Partial<Record<ErrorCode, readonly Action[]>>> = {
  COLUMN_NOT_IN_SOURCE: ['drop the target', 'set the watermark to NULL'],
  COMMIT_LOST: [],
  CONFLICT: [],
  CONNECTION_LOST: [],
  CONSTRAINT_VIOLATED: [],
  DEPENDENTS_CHANGED: [],
  INTERRUPTED: [],
  LEDGER_CHANGED: [],
  LOCK_LOST: [],
  // The source is made again, and not there for a moment: at a query, as TABLE_NOT_FOUND before it.
  NOT_FOUND: [],
  OTHER_SOURCE: ['set the watermark to NULL'],
  ROWS_AFTER_WATERMARK: ['set the watermark to NULL'],
  RUN_TAKEN_OVER: [],
  SERVER_NOT_READY: [],
  SERVER_RESTARTED: [],
  SOURCE_CHANGED: [],
  SOURCE_REBUILT: [],
  STATE_CHANGED: [],
  TABLE_NOT_FOUND: [],
  TARGET_BUSY: [],
  TARGET_CHANGED: [],
  TARGET_MISSING: ['set the watermark to NULL'],
  TARGET_REPLACED: ['set the watermark to NULL'],
  TWO_WATERMARKS: ['delete the watermark', 'truncate sync_runs'],
  WATERMARK_CHANGED: [],
};
