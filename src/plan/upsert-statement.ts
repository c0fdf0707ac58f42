import { quoteIdentifier, quoteTable } from '../postgres/quoting.ts';
import type { TargetColumn } from './column-mapping.ts';

/** What an upsert moves, and where to. */
export interface UpsertRequest {
  /** The table that the rows wait in, quoted. */
  readonly from: string;
  readonly target: { readonly schema: string; readonly name: string };
  /** The columns that are written. */
  readonly columns: readonly TargetColumn[];
  /** The columns of the primary key, in its order. */
  readonly key: readonly string[];
  /** The column that tells which row of a key is newer, and its type in BigQuery. */
  readonly newest: TargetColumn;
  readonly newestType: 'TIMESTAMP' | 'DATETIME';
}

/** An upsert, and the two counts that say why it may write fewer rows than there are. */
export interface Upsert {
  readonly write: string;
  /** The keys that the rows have, as the target's types compare them. */
  readonly countKeys: string;
  /** The rows of the target that stay, since they are newer. */
  readonly countKept: string;
}

/**
 * INSERT ... ON CONFLICT by the primary key. A row of the target stays where it is newer; the key is
 * set as well where equal values can differ in spelling (citext, -0.0, 1.0 and 1.00).
 */
export function upsert(request: UpsertRequest): Upsert {
  const { from, key } = request;
  const table = quoteTable(request.target);
  const keys = key.map(quoteIdentifier);
  const list = request.columns.map(({ name }) => quoteIdentifier(name)).join(', ');
  const sets = request.columns
    .filter((column) => isSet(column, key))
    .map(({ name }) => `${quoteIdentifier(name)} = EXCLUDED.${quoteIdentifier(name)}`);
  const stays = (row: string) => `${age(request, 'old')} > ${age(request, row)}`;
  const conflict =
    sets.length === 0
      ? 'DO NOTHING'
      : `DO UPDATE SET ${sets.join(', ')} WHERE (${stays('EXCLUDED')}) IS NOT TRUE`;
  const onKey = keys.map((name) => `old.${name} = new.${name}`).join(' AND ');
  return {
    write: `INSERT INTO ${table} AS old (${list}) OVERRIDING SYSTEM VALUE
     SELECT DISTINCT ON (${keys.join(', ')}) ${list} FROM ${from} ORDER BY ${keys.join(', ')}
     ON CONFLICT (${keys.join(', ')}) ${conflict}`,
    countKeys: `SELECT count(*) AS count FROM (SELECT DISTINCT ${keys.join(', ')} FROM ${from}) AS k`,
    countKept: `SELECT count(*) AS count FROM ${from} AS new JOIN ${table} AS old ON ${onKey}
     WHERE ${sets.length === 0 ? 'true' : stays('new')}`,
  };
}

/** The types whose equal values are the same value, so that an update of the key would do nothing. */
const ONE_SPELLING = new Set([
  'bool',
  'bytea',
  'date',
  'int2',
  'int4',
  'int8',
  'timestamptz',
  'uuid',
]);

function isSet({ name, type, identityAlways }: TargetColumn, key: readonly string[]): boolean {
  return !key.includes(name) || (!identityAlways && (type.array || !ONE_SPELLING.has(type.name)));
}

/** max_ingested_at as what can be compared: where the target keeps it as text, that is read. */
function age({ newest, newestType }: UpsertRequest, row: string): string {
  const column = `${row}.${quoteIdentifier(newest.name)}`;
  if (/^timestamp/.test(newest.type.name)) return column;
  return `${column}::text::${newestType === 'DATETIME' ? 'timestamp' : 'timestamptz'}`;
}
