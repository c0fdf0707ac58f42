import {
  quoteIdentifier,
  quoteLiteral,
  quoteTable,
  type TableName,
} from '../../postgres/quoting.ts';
import { arrayText } from '../catalog.ts';
import type { Reader } from '../dependencies/drop-set.ts';
import { temporaryName } from '../temporary-names.ts';

/** A sequence that belongs to a column of a table. Numbers are text: a bigint fits no double. */
export interface Sequence extends TableName {
  readonly table: TableName;
  readonly column: string;
  /** true: made by the column (identity), and recreated; false: owned (serial), and handed over. */
  readonly identity: boolean;
  readonly start: string;
  readonly increment: string;
  readonly minimum: string;
  readonly maximum: string;
  readonly cache: string;
  readonly cycle: boolean;
  /** Whether the column holds integers, so that the value can be compared with the rows. */
  readonly counts: boolean;
}

/** The sequences of the identity and serial columns of the tables and of the target. */
export const readSequences: Reader<Sequence> = (catalog, { tables, target }) => catalog.rows`
  SELECT n.nspname AS schema, c.relname AS name,
    json_build_object('schema', tn.nspname, 'name', t.relname) AS table,
    a.attname AS column, d.deptype = 'i' AS identity,
    s.seqstart::text AS start, s.seqincrement::text AS increment, s.seqmin::text AS minimum,
    s.seqmax::text AS maximum, s.seqcache::text AS cache, s.seqcycle AS cycle,
    a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype) AS counts
  FROM pg_depend d
  JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S'
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_sequence s ON s.seqrelid = c.oid
  JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
  JOIN pg_class t ON t.oid = d.refobjid
  JOIN pg_namespace tn ON tn.oid = t.relnamespace
  WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
    AND d.refobjid = ANY (${arrayText([...tables, target])}::oid[]) AND d.refobjsubid > 0
    AND d.deptype IN ('a', 'i')
  ORDER BY tn.nspname, t.relname, d.refobjsubid, n.nspname, c.relname`;

/** Lets the identity sequence of staging continue where the target's stands. */
export function copySequenceState(fresh: TableName, old: TableName): readonly string[] {
  const literal = quoteLiteral(quoteTable(fresh));
  return [`SELECT setval(${literal}, last_value, is_called) FROM ${quoteTable(old)}`];
}

/** Keeps other sessions from drawing: nextval waits for ALTER SEQUENCE, even if it changes nothing. */
export function lockSequence(sequence: Sequence): readonly string[] {
  return [`ALTER SEQUENCE ${quoteTable(sequence)} INCREMENT BY ${sequence.increment}`];
}

/** ALTER SEQUENCE: an owned sequence goes over to the new table's column. */
export function setSequenceOwner({ table, column, ...sequence }: Sequence): readonly string[] {
  const owner = `${quoteTable(table)}.${quoteIdentifier(column)}`;
  return [`ALTER SEQUENCE ${quoteTable(sequence)} OWNED BY ${owner}`];
}

/** The query for the extreme value of the rows that `sequence` must not fall behind. */
export function extremeValue(sequence: Sequence, table: TableName): string {
  const extreme = isDescending(sequence) ? 'min' : 'max';
  return `SELECT ${extreme}(${quoteIdentifier(sequence.column)})::text AS value FROM ${quoteTable(table)}`;
}

/**
 * Advances `sequence` to the farthest of: its own value, that of `former` (the identity sequence
 * it replaces), and `maxValue`, the extreme value of the rows. It is never set back. Run it when no
 * other session can draw from either: after ALTER SEQUENCE, or with the table locked.
 */
export function advanceSequence(
  sequence: Sequence,
  former: TableName | null,
  maxValue: string | null,
): readonly string[] {
  const down = isDescending(sequence);
  const own = quoteTable(sequence);
  const values = [`SELECT last_value AS v, is_called AS called FROM ${own}`];
  if (former !== null) values.push(`SELECT last_value, is_called FROM ${quoteTable(former)}`);
  if (maxValue !== null) {
    // Rows beyond the sequence's bounds leave it at the bound: used up, which is the truth.
    const bounded = down
      ? `greatest(${maxValue}::numeric, ${sequence.minimum})`
      : `least(${maxValue}::numeric, ${sequence.maximum})`;
    const inside = down ? `${bounded} <= ${sequence.maximum}` : `${bounded} >= ${sequence.minimum}`;
    values.push(`SELECT ${bounded}::bigint, true WHERE ${inside}`);
  }
  const order = down ? 'v ASC' : 'v DESC';
  return [
    `SELECT setval(${quoteLiteral(own)}, v, called) FROM (SELECT v, called ` +
      `FROM (${values.join(' UNION ALL ')}) AS reached ORDER BY ${order}, called DESC LIMIT 1) AS farthest`,
  ];
}

/** Where an identity sequence is while it belongs to staging. */
export function stagingSequence(sequence: Sequence, staging: TableName): Sequence {
  const name = temporaryName(staging, ['sequence', sequence]);
  return { ...sequence, name };
}

function isDescending({ increment }: Sequence): boolean {
  return increment.startsWith('-');
}
