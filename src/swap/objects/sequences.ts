import {
  quoteIdentifier,
  quoteLiteral,
  quoteTable,
  type TableName,
} from '../../postgres/quoting.ts';
import { type Catalog, readRows } from '../catalog.ts';
import { temporaryName } from '../temporary-names.ts';

/** A sequence that belongs to a column of the target. Numbers are text: a bigint fits no double. */
export interface Sequence extends TableName {
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

/** The sequences of the target's identity and serial columns. */
export async function readSequences(
  catalog: Catalog,
  target: number,
): Promise<readonly Sequence[]> {
  return await readRows<Sequence>(
    catalog,
    catalog.sql`
    SELECT n.nspname AS schema, c.relname AS name, a.attname AS column, d.deptype = 'i' AS identity,
      s.seqstart::text AS start, s.seqincrement::text AS increment, s.seqmin::text AS minimum,
      s.seqmax::text AS maximum, s.seqcache::text AS cache, s.seqcycle AS cycle,
      a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype) AS counts
    FROM pg_depend d
    JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S'
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_sequence s ON s.seqrelid = c.oid
    JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
    WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
      AND d.refobjid = ${target} AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
    ORDER BY d.refobjsubid, 1, 2`,
  );
}

/** Where an identity sequence is while it belongs to staging. */
export function stagingSequence(sequence: Sequence, staging: TableName): Sequence {
  return {
    ...sequence,
    schema: staging.schema,
    name: temporaryName(staging, ['sequence', sequence]),
  };
}

/** Lets a fresh identity sequence of staging go on where the target's stands. */
export function copySequenceState(fresh: TableName, old: TableName): string {
  const literal = quoteLiteral(quoteTable(fresh));
  return `SELECT setval(${literal}, last_value, is_called) FROM ${quoteTable(old)}`;
}

/** ALTER SEQUENCE: an owned sequence goes over to the new table's column. */
export function setSequenceOwner(sequence: Sequence, target: TableName): string {
  const column = `${quoteTable(target)}.${quoteIdentifier(sequence.column)}`;
  return `ALTER SEQUENCE ${quoteTable(sequence)} OWNED BY ${column}`;
}

/** The query for the outermost value of the rows that `sequence` must not fall behind. */
export function extremeValue(sequence: Sequence, table: TableName): string {
  const outermost = sequence.increment.startsWith('-') ? 'min' : 'max';
  return `SELECT ${outermost}(${quoteIdentifier(sequence.column)})::text AS value FROM ${quoteTable(table)}`;
}

/**
 * Moves `sequence` on to the farthest of: its own value, that of `former` (the identity sequence
 * it replaces), and `maxValue`, the outermost value of the rows. It never goes back. Run it when no
 * other session can draw from either: after ALTER SEQUENCE, or with the table locked.
 */
export function advanceSequence(
  sequence: Sequence,
  former: TableName | null,
  maxValue: string | null,
): string {
  const down = sequence.increment.startsWith('-');
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
  return (
    `SELECT setval(${quoteLiteral(own)}, v, called) FROM (SELECT v, called ` +
    `FROM (${values.join(' UNION ALL ')}) AS reached ORDER BY ${order}, called DESC LIMIT 1) AS farthest`
  );
}
