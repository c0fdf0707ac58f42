import { ProjectorError } from '../errors.ts';
import { sourceText } from '../google/source-name.ts';
import { quoteIdentifier, quoteLiteral, quoteTable, tableText } from '../postgres/quoting.ts';
import {
  INTERNAL_ERROR,
  UNDEFINED_COLUMN,
  UNDEFINED_TABLE,
  WRONG_OBJECT_TYPE,
} from '../postgres/sqlstates.ts';
import type { TargetTable } from '../postgres/target-table.ts';
import type { LastRun } from '../state/last-run.ts';
import { resetStatement } from '../state/watermark.ts';
import { isServerError } from '../swap/constraint-violations.ts';
import type { Context } from './context.ts';

/** A target follows one source: the watermark of another says nothing of this one's rows. */
export function otherSource(context: Context, tableName: string, known: string): ProjectorError {
  const { resolved, sourceId: now } = context;
  const { tables, target } = resolved;
  const same = `UPDATE ${quoteTable(tables.runs)} SET source = ${quoteLiteral(now)} WHERE target = ${quoteLiteral(tableText(target))};`;
  return new ProjectorError({
    code: 'OTHER_SOURCE',
    message: `${quoteTable(target)} holds the rows of ${known}, and its watermark is of those; this run reads ${now}`,
    hint: `For a full load of ${now}: ${resetStatement(tables, tableName)} If it is the same data under a new name: ${same}`,
  });
}

/**
 * Gives the target that there is a watermark of, which says that the rows up to it are in that very
 * table. Throws TARGET_MISSING where it is gone, TARGET_REPLACED where it is another one, and
 * UNLOGGED_TARGET where a crash of the server empties it without the watermark knowing.
 */
export function requireLasting<
  Table extends { readonly oid: number; readonly persistence: string },
>(
  context: Context,
  { tableName, lastRun }: { readonly tableName: string; readonly lastRun: LastRun },
  table: Table | undefined,
): Table {
  if (table === undefined) throw targetMissing(context, tableName);
  if (lastRun.targetOid !== undefined && lastRun.targetOid !== table.oid) {
    throw targetReplaced(context, tableName);
  }
  if (table.persistence === 'u') throw unloggedTarget(context);
  return table;
}

function targetMissing({ resolved }: Context, tableName: string): ProjectorError {
  return new ProjectorError({
    code: 'TARGET_MISSING',
    message: `table ${quoteTable(resolved.target)} is gone, and sync_state has a watermark for ${tableName}`,
    hint: `Set the watermark to NULL for a full load: ${resetStatement(resolved.tables, tableName)}`,
  });
}

/** The table of that name is not the one that the last run left: it may lack all rows up to the watermark. */
function targetReplaced({ resolved }: Context, tableName: string): ProjectorError {
  const { tables, target } = resolved;
  const kept = `UPDATE ${quoteTable(tables.runs)} SET target_oid = NULL WHERE target = ${quoteLiteral(tableText(target))};`;
  return new ProjectorError({
    code: 'TARGET_REPLACED',
    message: `${quoteTable(target)} is another table than the one that the last run left: it was dropped or renamed, and made again`,
    hint: `For a full load: ${resetStatement(tables, tableName)} If all rows of the former table are in it: ${kept}`,
  });
}

/** The target has rows that the watermark says are still to come. */
export function rowsAfterWatermark(
  { resolved }: Context,
  low: string,
  column: TargetTable['columns'][number],
  tableName: string,
): ProjectorError {
  const { tables, target } = resolved;
  const newest = `max(${quoteIdentifier(column.name)})${column.type.name === 'timestamptz' ? " AT TIME ZONE 'UTC'" : ''}`;
  const forward = `UPDATE ${quoteTable(tables.state)} SET last_synced_at = (SELECT ${newest} FROM ${quoteTable(target)}) WHERE table_name = ${quoteLiteral(tableName)};`;
  return new ProjectorError({
    code: 'ROWS_AFTER_WATERMARK',
    message: `${quoteTable(target)} has rows that are later than its watermark, ${low} UTC, which no run in the ledger has set: they would come a second time`,
    hint: `For a full load: ${resetStatement(tables, tableName)} If all rows up to its newest are there: ${forward}`,
  });
}

function unloggedTarget({ resolved }: Context): ProjectorError {
  const table = quoteTable(resolved.target);
  return new ProjectorError({
    code: 'UNLOGGED_TARGET',
    message: `${table} is an unlogged table: a crash of the server empties it, and the rows would not come again`,
    hint: `ALTER TABLE ${table} SET LOGGED, then run again.`,
  });
}

/** What the plan was made from is no longer so, in the transaction that would make rows visible. */
export function targetChanged(
  { resolved }: Context,
  what: string,
  cause?: unknown,
): ProjectorError {
  return new ProjectorError({
    code: 'TARGET_CHANGED',
    message: `${quoteTable(resolved.target)} is no longer what this run was planned for: ${what}`,
    hint: 'Nothing was made visible. Run again: the next run plans for what is there now.',
    cause,
  });
}

/** What the server says where something that a plan names is no longer there. */
const GONE: Readonly<Record<string, (message: string) => string>> = {
  [UNDEFINED_TABLE]: () => 'it is gone',
  [UNDEFINED_COLUMN]: (message) => message,
  [WRONG_OBJECT_TYPE]: (message) => message,
  // The functions that write definitions see the catalog as it is: a cache lookup fails.
  [INTERNAL_ERROR]: () => 'something of it was dropped while it was read',
};

/** For a statement on the target that is not locked yet: throws TARGET_CHANGED where it names what has gone. */
export function explainGone(context: Context): (error: unknown) => never {
  return (error) => {
    const what = isServerError(error) ? GONE[error.code]?.(error.message) : undefined;
    throw what === undefined ? error : targetChanged(context, what, error);
  };
}

/** Somebody has set the watermark while the run was under way. */
export function watermarkChanged(
  { resolved }: Context,
  from: string | undefined,
  to: string | undefined,
): ProjectorError {
  return new ProjectorError({
    code: 'WATERMARK_CHANGED',
    message: `the watermark of ${quoteTable(resolved.target)} was ${from ?? 'NULL'} when this run began, and is ${to ?? 'NULL'} now`,
    hint: 'Nothing was made visible. Run again: the next run goes from the watermark that is there now.',
  });
}

/** The count query saw rows that the export does not have. */
export function sourceRebuilt({ source }: Context, found: string): ProjectorError {
  return new ProjectorError({
    code: 'SOURCE_REBUILT',
    message: `${sourceText(source)} had rows when they were counted, and ${found}: either it was rebuilt in between, or its max_ingested_at is computed by each query`,
    hint: 'Nothing was made visible. If it was rebuilt, run again. If it is a view with CURRENT_TIMESTAMP() AS max_ingested_at, every run would bring all rows again: give it a column that is stored with the row.',
  });
}

/** The columns of the source change faster than they can be exported. */
export function sourceChanging({ source }: Context): ProjectorError {
  return new ProjectorError({
    code: 'SOURCE_CHANGED',
    message: `the columns of ${sourceText(source)} changed during each of several exports`,
    hint: 'Nothing was made visible. Run again when its columns no longer change.',
  });
}
