import {
  fitIdentifier,
  quoteIdentifier,
  quoteLiteral,
  quoteTable,
  type TableName,
} from '../../postgres/quoting.ts';
import { arrayText } from '../catalog.ts';
import type { Reader } from '../dependencies/drop-set.ts';
import type { Sequence } from './sequences.ts';

/** A column as CREATE TABLE and ALTER COLUMN write it; every name in the texts is qualified. */
export interface Column {
  readonly table: TableName;
  readonly name: string;
  readonly type: string;
  /** Only where it is not the type's own. */
  readonly collation: string | null;
  readonly notNull: NotNull | null;
  /** The default, or the expression of a generated column. */
  readonly expression: string | null;
  readonly generated: '' | 's' | 'v';
  readonly identity: '' | 'a' | 'd';
  /** Only where it is not the type's own. */
  readonly storage: string | null;
  readonly compression: string | null;
  readonly statisticsTarget: number | null;
  /** n_distinct and its like, `name=value`. */
  readonly options: readonly string[];
}

/** PostgreSQL 18 keeps a NOT NULL as a named constraint; before that only that there is one. */
export interface NotNull {
  readonly name: string | null;
  readonly noInherit: boolean;
  readonly valid: boolean;
}

/** A column that BigQuery has and the target has not yet. `type` is SQL text. */
export interface AddedColumn {
  readonly name: string;
  readonly type: string;
  readonly notNull: boolean;
  readonly comment?: string;
}

/** The columns of the relations and of the target, in order; those dropped are gone for good. */
export const readColumns: Reader<Column> = (catalog, { relations, target }) => catalog.rows`
  SELECT json_build_object('schema', n.nspname, 'name', c.relname) AS table,
    a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
    CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::regcollation::text END
      AS collation,
    CASE WHEN a.attnotnull THEN json_build_object('name', nn.conname,
      'noInherit', coalesce(nn.connoinherit, false), 'valid', coalesce(nn.convalidated, true)) END
      AS "notNull",
    pg_get_expr(d.adbin, d.adrelid) AS expression,
    a.attgenerated AS generated, a.attidentity AS identity,
    CASE WHEN a.attstorage <> t.typstorage THEN
      CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN'
        ELSE 'EXTENDED' END END AS storage,
    -- attcompression is of PostgreSQL 14 and later
    CASE to_jsonb(a) ->> 'attcompression' WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END
      AS compression,
    NULLIF(a.attstattarget, -1) AS "statisticsTarget",
    -- pg_attver (15.20 and its like) is the server's own mark of a column's last change of type
    coalesce((SELECT array_agg(o) FROM unnest(a.attoptions) AS o WHERE o !~ '^pg_attver='), '{}')
      AS options
  FROM pg_attribute a
  JOIN pg_class c ON c.oid = a.attrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  LEFT JOIN pg_constraint nn
    ON nn.conrelid = a.attrelid AND nn.contype = 'n' AND nn.conkey = ARRAY[a.attnum]
  WHERE a.attrelid = ANY (${arrayText([...relations, target])}::oid[]) AND a.attnum > 0
    AND NOT a.attisdropped
  ORDER BY n.nspname, c.relname, a.attnum`;

/**
 * One column of CREATE TABLE. `sequence` is what an identity column creates; undefined: a partition's,
 * which is identity by its parent (PostgreSQL 17 and later).
 */
export function columnDefinition(column: Column, sequence: Sequence | undefined): string {
  const notNull = column.notNull?.valid ? [notNullDefinition(column.notNull)] : [];
  const value =
    sequence === undefined ? valueDefinition(column) : identityDefinition(column, sequence);
  return [typeDefinition(column), ...notNull, value].join(' ').trimEnd();
}

/** One column of a table that only routes rows to its partitions: what they hold is checked there. */
export function parentColumnDefinition(column: Column, drawn: string | undefined): string {
  const value = drawn === undefined ? valueDefinition(column) : `DEFAULT ${drawn}`;
  return `${typeDefinition(column)} ${value}`.trimEnd();
}

/**
 * The definition of an added column. The constraint gets the name that it would have on `table`
 * itself: PostgreSQL 18 keeps it, older versions read over it.
 */
export function addedColumnDefinition(table: TableName, column: AddedColumn): string {
  const definition = `${quoteIdentifier(column.name)} ${column.type}`;
  if (!column.notNull) return definition;
  const constraint = fitIdentifier(`${table.name}_${column.name}`, '_not_null');
  return `${definition} CONSTRAINT ${quoteIdentifier(constraint)} NOT NULL`;
}

/** ALTER COLUMN statements for what a column definition cannot say. */
export function columnSettings(table: TableName, column: Column): readonly string[] {
  const alter = `ALTER TABLE ${quoteTable(table)} ALTER COLUMN ${quoteIdentifier(column.name)}`;
  const statements: string[] = [];
  if (column.storage !== null) statements.push(`${alter} SET STORAGE ${column.storage}`);
  if (column.compression !== null)
    statements.push(`${alter} SET COMPRESSION ${column.compression}`);
  if (column.statisticsTarget !== null) {
    statements.push(`${alter} SET STATISTICS ${column.statisticsTarget}`);
  }
  if (column.options.length > 0) statements.push(`${alter} SET (${optionList(column.options)})`);
  return statements;
}

/** NOT NULL constraints that were declared NOT VALID (PostgreSQL 18): they hold for new rows. */
export function unvalidatedNotNulls(table: TableName, column: Column): readonly string[] {
  if (column.notNull === null || column.notNull.valid) return [];
  const { name, noInherit } = column.notNull;
  const add = `ALTER TABLE ${quoteTable(table)} ADD CONSTRAINT ${quoteIdentifier(name ?? '')}`;
  return [
    `${add} NOT NULL ${quoteIdentifier(column.name)}${noInherit ? ' NO INHERIT' : ''} NOT VALID`,
  ];
}

/** `name=value` pairs of reloptions or attoptions as a WITH or SET list. */
export function optionList(options: readonly string[]): string {
  return options
    .map((option) => {
      const at = option.indexOf('=');
      const name = option.slice(0, at).split('.').map(quoteIdentifier).join('.');
      return `${name} = ${quoteLiteral(option.slice(at + 1))}`;
    })
    .join(', ');
}

function typeDefinition({ name, type, collation }: Column): string {
  const collate = collation === null ? '' : ` COLLATE ${collation}`;
  return `${quoteIdentifier(name)} ${type}${collate}`;
}

/** The default, or the expression of a generated column. */
function valueDefinition({ expression, generated }: Column): string {
  if (expression === null) return '';
  if (generated === '') return `DEFAULT ${expression}`;
  return `GENERATED ALWAYS AS (${expression}) ${generated === 's' ? 'STORED' : 'VIRTUAL'}`;
}

function notNullDefinition(notNull: NotNull): string {
  const name = notNull.name === null ? '' : `CONSTRAINT ${quoteIdentifier(notNull.name)} `;
  return `${name}NOT NULL${notNull.noInherit ? ' NO INHERIT' : ''}`;
}

function identityDefinition(column: Column, sequence: Sequence): string {
  const kind = column.identity === 'a' ? 'ALWAYS' : 'BY DEFAULT';
  const cycle = sequence.cycle ? 'CYCLE' : 'NO CYCLE';
  return (
    `GENERATED ${kind} AS IDENTITY (SEQUENCE NAME ${quoteTable(sequence)} ` +
    `INCREMENT BY ${sequence.increment} MINVALUE ${sequence.minimum} MAXVALUE ${sequence.maximum} ` +
    `START WITH ${sequence.start} CACHE ${sequence.cache} ${cycle})`
  );
}
