import type { Session } from '../postgres/pool.ts';
import { quoteIdentifier, quoteLiteral, quoteTable } from '../postgres/quoting.ts';
import first from './migrations/000001.sql' with { type: 'text' };
import second from './migrations/000002.sql' with { type: 'text' };
import third from './migrations/000003.sql' with { type: 'text' };
import type { StateTables } from './state-tables.ts';

/**
 * The migrations in their order. Each can run again on what it made: a dump without comments has lost
 * the version. One that was released is never changed, and none takes away what an older release reads.
 */
const MIGRATIONS = [first, second, third];

/** The version of the state tables that this program reads and writes; written in the ledger's comment. */
export const STATE_VERSION = MIGRATIONS.length;

/** Any number; it keeps two first runs from making the same tables at once. */
const MIGRATION_LOCK = 7_305_808_869_229_538_155n;

/** SQL expression for the version of a ledger by its oid; NULL where its comment tells none. */
export function versionOf(runs: string): string {
  return `substring(obj_description(${runs}, 'pg_class') FROM 'state version (\\d+)')::int`;
}

/** Makes the tables, or brings those of an older release up to date. Can be run by two runs at once. */
export async function migrateState(sql: Session, tables: StateTables): Promise<void> {
  const { schema } = tables.runs;
  await sql.unsafe(`BEGIN; SELECT pg_advisory_xact_lock(${MIGRATION_LOCK});
    SET LOCAL client_min_messages = warning; SET LOCAL search_path = ${quoteIdentifier(schema)}`);
  const places = Object.values(tables).map(
    (table) => `to_regclass(${quoteLiteral(quoteTable(table))})`,
  );
  // Where one of them was dropped, the others do not tell that it was there.
  const [row] = await sql.unsafe<{ version: number | null }[]>(
    `SELECT CASE WHEN num_nulls(${places}) = 0 THEN ${versionOf(`to_regclass(${quoteLiteral(quoteTable(tables.runs))})`)} END AS version`,
  );
  const missing = MIGRATIONS.slice(row?.version ?? 0);
  await sql.unsafe([...missing, 'COMMIT'].join(';\n'));
}
