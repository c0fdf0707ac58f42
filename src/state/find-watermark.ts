import { ProjectorError } from '../errors.ts';
import { quoteLiteral, quoteTable, type TableName, tableText } from '../postgres/quoting.ts';
import { parseTableName } from '../postgres/table-name.ts';
import type { StateTables } from './state-tables.ts';
import { resetStatement, type WatermarkRow } from './watermark.ts';

/** A table as a run was given it, and as it was resolved. */
export interface NamedTarget {
  /** `--pg-table` as given. */
  readonly text: string;
  readonly target: TableName;
  /** The schema that the bare name of the target leads to by this session's search_path. */
  readonly bareSchema: string | undefined;
  /** The target of the newest run that was given this name; undefined: none is known. */
  readonly meant: string | undefined;
}

/**
 * The row of `sync_state` that is the target's, in whatever spelling it was first written; where there
 * is none, the one that this run will write. A bare name means the table that it meant to the runs
 * before, by the ledger, and otherwise what the search_path says. Throws TWO_WATERMARKS where two rows
 * are the target's, and OTHER_TABLE where `--pg-table` is a bare name that meant another table before.
 */
export function findWatermark(
  tables: StateTables,
  named: NamedTarget,
  rows: readonly WatermarkRow[],
): WatermarkRow {
  refuseOtherMeaning(named);
  const own = rows
    .flatMap((row) => parsed(row, named.target.name))
    .filter(({ row, schema }) => {
      if (schema !== undefined) return schema === named.target.schema;
      return row.meant === undefined
        ? named.bareSchema === named.target.schema
        : row.meant === tableText(named.target);
    });
  const [first, second] = own.map(({ row }) => row);
  if (second !== undefined && first !== undefined)
    throw twoWatermarks(tables, named, first, second);
  return first ?? { ...NO_ROW, tableName: named.text };
}

const NO_ROW = { value: undefined, version: null, ahead: false, meant: undefined } as const;

interface Spelling {
  readonly row: WatermarkRow;
  readonly schema: string | undefined;
}

/** The rows whose name, as PostgreSQL reads it, is `name`; what is no table name is nobody's. */
function parsed(row: WatermarkRow, name: string): readonly Spelling[] {
  try {
    const read = parseTableName(row.tableName);
    return read.name === name ? [{ row, schema: read.schema }] : [];
  } catch {
    return [];
  }
}

function isBare(text: string): boolean {
  return parseTableName(text).schema === undefined;
}

function refuseOtherMeaning({ text, target, meant: before }: NamedTarget): void {
  if (!isBare(text) || before === undefined || before === tableText(target)) return;
  throw new ProjectorError({
    code: 'OTHER_TABLE',
    message: `--pg-table ${text} is ${quoteTable(target)} by this search_path, and was ${before} in the runs before`,
    hint: `Write the schema: --pg-table ${target.schema}.${target.name} for this one, or --pg-table ${before}.`,
  });
}

function twoWatermarks(
  tables: StateTables,
  { target }: NamedTarget,
  first: WatermarkRow,
  second: WatermarkRow,
): ProjectorError {
  const spelt = (row: WatermarkRow) => `${quoteLiteral(row.tableName)} (${row.value ?? 'NULL'})`;
  const drop = `DELETE FROM ${quoteTable(tables.state)} WHERE table_name = ${quoteLiteral(second.tableName)};`;
  return new ProjectorError({
    code: 'TWO_WATERMARKS',
    message: `${quoteTable(target)} has two watermarks in ${quoteTable(tables.state)}: ${spelt(first)} and ${spelt(second)}: rows may have come twice`,
    hint: `Keep one, and load the table in full: ${drop} ${resetStatement(tables, first.tableName)}`,
  });
}
