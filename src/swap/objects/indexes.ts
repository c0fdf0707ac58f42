import { quoteIdentifier, quoteTable, type TableName } from '../../postgres/quoting.ts';
import { arrayText } from '../catalog.ts';
import type { Reader } from '../dependencies/drop-set.ts';
import type { Refusals } from '../refusals.ts';
import { temporaryName } from '../temporary-names.ts';
import { optionList } from './columns.ts';
import { useTablespace } from './table.ts';

/** An index of one of the tables or of a materialized view, with the constraint that it backs. */
export interface Index {
  readonly table: TableName;
  readonly name: string;
  readonly unique: boolean;
  /** What follows `CREATE INDEX name ON table`, from USING on; the tablespace is apart. */
  readonly definition: string;
  /** null: the database's own. */
  readonly tablespace: string | null;
  readonly options: readonly string[];
  readonly constraint: IndexConstraint | null;
  /** The index of the partitioned table that it is a part of; ATTACH PARTITION finds it again. */
  readonly attachedTo: string | null;
  readonly clustered: boolean;
  readonly replicaIdentity: boolean;
  /** ALTER INDEX ... ALTER COLUMN ... SET STATISTICS. */
  readonly statisticsTargets: readonly { readonly column: number; readonly target: number }[];
}

/** A constraint that an index backs: PRIMARY KEY, UNIQUE or EXCLUDE. */
export interface IndexConstraint {
  /** pg_get_constraintdef's text. */
  readonly definition: string;
  readonly primary: boolean;
  readonly deferrable: boolean;
  readonly deferred: boolean;
  /** EXCLUDE and WITHOUT OVERLAPS constraints build their index themselves. */
  readonly buildsItsIndex: boolean;
}

interface IndexFacts {
  readonly valid: boolean;
  /** Whether the definition could be split after the table. */
  readonly split: boolean;
}

/** The indexes of the relations; a half-built one is refused, since nobody can tell its use. */
export const readIndexes: Reader<Index> = (catalog, { relations }) => catalog.objects(refuseIndex)`
  SELECT json_build_object('schema', n.nspname, 'name', t.relname) AS table, c.relname AS name,
    i.indisunique AS unique, substr(def.text, length(def.prefix) + 1) AS definition,
    ts.spcname AS tablespace, coalesce(c.reloptions, '{}') AS options,
    CASE WHEN con.oid IS NOT NULL THEN json_build_object(
      'definition', pg_get_constraintdef(con.oid), 'primary', con.contype = 'p',
      'deferrable', con.condeferrable, 'deferred', con.condeferred,
      'buildsItsIndex', con.conexclop IS NOT NULL) END AS constraint,
    (SELECT inhparent::regclass::text FROM pg_inherits WHERE inhrelid = c.oid) AS "attachedTo",
    i.indisclustered AS clustered, i.indisreplident AS "replicaIdentity",
    ARRAY(SELECT json_build_object('column', a.attnum, 'target', a.attstattarget)
      FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attstattarget >= 0 ORDER BY a.attnum)
      AS "statisticsTargets",
    json_build_object('valid', i.indisvalid AND i.indisready,
      'split', left(def.text, length(def.prefix)) = def.prefix) AS facts
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indexrelid
  JOIN pg_class t ON t.oid = i.indrelid
  JOIN pg_namespace n ON n.oid = t.relnamespace
  LEFT JOIN pg_tablespace ts ON ts.oid = c.reltablespace
  LEFT JOIN pg_constraint con ON con.conindid = c.oid AND con.conrelid = t.oid
    AND con.contype IN ('p', 'u', 'x')
  CROSS JOIN LATERAL (SELECT pg_get_indexdef(c.oid) AS text,
    'CREATE ' || CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END || 'INDEX '
      || quote_ident(c.relname) || ' ON ' || t.oid::regclass::text || ' ' AS prefix) AS def
  WHERE i.indrelid = ANY (${arrayText(relations)}::oid[])
  ORDER BY n.nspname, t.relname, c.relname`;

/** CREATE INDEX under `name` on `table`, inside a transaction. */
export function createIndex(index: Index, table: TableName, name: string): readonly string[] {
  const unique = index.unique ? 'UNIQUE ' : '';
  return [
    useTablespace(index.tablespace),
    `CREATE ${unique}INDEX IF NOT EXISTS ${quoteIdentifier(name)} ON ${quoteTable(table)} ${index.definition}`,
    ...setStatisticsTargets(index, { schema: table.schema, name }),
  ];
}

/** ALTER TABLE ... ADD CONSTRAINT of an index-backed constraint, named `name` like its index. */
export function createIndexConstraint(
  index: Index,
  table: TableName,
  name: string,
): readonly string[] {
  const { constraint } = index;
  if (constraint === null) return [];
  const add = `ALTER TABLE ${quoteTable(table)} ADD CONSTRAINT ${quoteIdentifier(name)}`;
  if (constraint.buildsItsIndex) return createWithIndex(index, table, name, add);
  const kind = constraint.primary ? 'PRIMARY KEY' : 'UNIQUE';
  const deferrable = constraint.deferrable ? ' DEFERRABLE' : '';
  const deferred = constraint.deferred ? ' INITIALLY DEFERRED' : '';
  return [`${add} ${kind} USING INDEX ${quoteIdentifier(name)}${deferrable}${deferred}`];
}

/** Statements that mark the index which CLUSTER uses and the one which is the replica identity. */
export function indexMarks(index: Index): readonly string[] {
  const alter = `ALTER TABLE ${quoteTable(index.table)}`;
  const name = quoteIdentifier(index.name);
  return [
    ...(index.clustered ? [`${alter} CLUSTER ON ${name}`] : []),
    ...(index.replicaIdentity ? [`${alter} REPLICA IDENTITY USING INDEX ${name}`] : []),
  ];
}

/** The name of `index` while it is built on staging: it follows from the definition. */
export function stagingIndexName(index: Index, staging: TableName): string {
  return temporaryName(staging, ['index', index]);
}

function createWithIndex(
  index: Index,
  table: TableName,
  name: string,
  add: string,
): readonly string[] {
  const place = { schema: table.schema, name };
  const { options, constraint } = index;
  return [
    useTablespace(index.tablespace),
    `${add} ${constraint?.definition}`,
    ...(options.length > 0
      ? [`ALTER INDEX ${quoteTable(place)} SET (${optionList(options)})`]
      : []),
    ...setStatisticsTargets(index, place),
  ];
}

function setStatisticsTargets(index: Index, place: TableName): readonly string[] {
  return index.statisticsTargets.map(
    ({ column, target }) =>
      `ALTER INDEX ${quoteTable(place)} ALTER COLUMN ${column} SET STATISTICS ${target}`,
  );
}

function refuseIndex(refuse: Refusals, { table, name }: Index, facts: IndexFacts): void {
  const index = quoteTable({ schema: table.schema, name });
  if (!facts.valid) {
    const hint = `REINDEX INDEX CONCURRENTLY ${index}; or DROP INDEX ${index};`;
    refuse.unsupported(`index ${index}`, 'is not valid: its build failed, or is under way', hint);
  } else if (!facts.split) {
    const hint = 'Drop it, or report its definition.';
    refuse.unsupported(`index ${index}`, 'has a definition that cannot be rewritten', hint);
  }
}
