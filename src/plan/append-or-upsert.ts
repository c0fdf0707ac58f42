import { WATERMARK_COLUMN } from '../google/source-name.ts';
import { quoteIdentifier, quoteLiteral, quoteTable, type TableName } from '../postgres/quoting.ts';
import type { TargetTable } from '../postgres/target-table.ts';
import type { AddedColumn } from '../swap/objects/columns.ts';
import type { ColumnMapping } from './column-mapping.ts';
import type { Column } from './export-column.ts';
import type { RowKey } from './row-key.ts';
import { type Upsert, upsert } from './upsert-statement.ts';

/**
 * append: COPY into the target; insert: by a temporary table, since row security holds for this user
 * and COPY refuses it; upsert: by a temporary table, and by the target's key.
 */
export type WriteMode = 'append' | 'insert' | 'upsert';

/** The statements of an increment, decided once. */
export interface WritePlan {
  readonly writeMode: WriteMode;
  /** The columns that are new in BigQuery, added in a transaction of their own before the rows. */
  readonly addColumns: readonly string[];
  /** Nothing, or what makes the temporary table. */
  readonly createTempTable: readonly string[];
  readonly copy: string;
  /** Moves the rows from the temporary table into the target; undefined: they are there. */
  readonly write: string | undefined;
  readonly upsert: Upsert | undefined;
}

/** Rows that cannot go into the target by COPY wait here; the name hides no table of the user's. */
const TEMP_TABLE = 'pg_temp.bq_to_postgres_batch';

/** What the statements of an increment follow from. */
export interface WriteRequest {
  readonly target: TargetTable;
  readonly columns: readonly Column[];
  readonly mappings: readonly ColumnMapping[];
  readonly added: readonly AddedColumn[];
  readonly format: 'binary' | 'text';
  readonly key: RowKey | undefined;
  /** Of max_ingested_at in BigQuery. */
  readonly newestType: 'TIMESTAMP' | 'DATETIME';
}

/** Decides how an increment's rows get into the target. */
export function planWrite(request: WriteRequest): WritePlan {
  const { target, columns, added, format, key } = request;
  const writeMode = key !== undefined ? 'upsert' : target.rowSecurity ? 'insert' : 'append';
  const table = quoteTable(target.name);
  const into = writeMode === 'append' ? table : TEMP_TABLE;
  const byKey = key === undefined ? undefined : planUpsert(request, key);
  return {
    writeMode,
    addColumns: addColumns(target.name, added),
    createTempTable: writeMode === 'append' ? [] : createTempTable(table, columns),
    copy: copyStatement(into, columns, format),
    write: writeMode === 'insert' ? insert(table, columns) : byKey?.write,
    upsert: byKey,
  };
}

/** `COPY table (columns) FROM STDIN`, for the table that the rows go to first, quoted. */
export function copyStatement(
  into: string,
  columns: readonly Column[],
  format: 'binary' | 'text',
): string {
  return `COPY ${into} (${columnList(columns)}) FROM STDIN (FORMAT ${format})`;
}

function columnList(columns: readonly Column[]): string {
  return writtenColumns(columns).map(quoteIdentifier).join(', ');
}

/** The columns of the target that rows are written to, in the order of the export. */
function writtenColumns(columns: readonly Column[]): readonly string[] {
  return columns.flatMap(({ target }) => (target === undefined ? [] : [target]));
}

function addColumns(target: TableName, added: readonly AddedColumn[]): readonly string[] {
  const table = quoteTable(target);
  return added.flatMap(({ name, type, comment }) => [
    `ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS ${quoteIdentifier(name)} ${type}`,
    ...(comment === undefined
      ? []
      : [`COMMENT ON COLUMN ${table}.${quoteIdentifier(name)} IS ${quoteLiteral(comment)}`]),
  ]);
}

/**
 * A table with the columns of the export, and of the target's constraints only NOT NULL: the COPY
 * then names the row that breaks it.
 */
function createTempTable(table: string, columns: readonly Column[]): readonly string[] {
  const notNull = columns.flatMap(({ target, notNull }) =>
    target === undefined || !notNull
      ? []
      : [`ALTER TABLE ${TEMP_TABLE} ALTER COLUMN ${quoteIdentifier(target)} SET NOT NULL`],
  );
  return [
    `CREATE TEMPORARY TABLE bq_to_postgres_batch ON COMMIT DROP AS
     SELECT ${columnList(columns)} FROM ${table} WITH NO DATA`,
    ...notNull,
  ];
}

function insert(table: string, columns: readonly Column[]): string {
  const list = columnList(columns);
  return `INSERT INTO ${table} (${list}) OVERRIDING SYSTEM VALUE SELECT ${list} FROM ${TEMP_TABLE}`;
}

function planUpsert({ target, mappings, newestType }: WriteRequest, key: RowKey): Upsert {
  const columns = mappings.map((mapping) => mapping.target);
  const newest = mappings.find(({ source }) => source.name.toLowerCase() === WATERMARK_COLUMN);
  if (newest === undefined) throw new TypeError(`an upsert without ${WATERMARK_COLUMN}`);
  return upsert({
    from: TEMP_TABLE,
    target: target.name,
    columns,
    key: key.columns,
    newest: newest.target,
    newestType,
  });
}
