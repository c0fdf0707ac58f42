import type { Session } from '../postgres/pool.ts';
import {
  quoteIdentifier,
  quoteLiteral,
  quoteTable,
  type TableName,
  tableText,
} from '../postgres/quoting.ts';
import { STATE_VERSION, versionOf } from '../state/migrate.ts';
import { checkShapes, type StateShape, shapesQuery } from '../state/state-shape.ts';
import { STATE_TABLE_NAMES, type StateTables, stateTables } from '../state/state-tables.ts';
import {
  missingSchema,
  noPlaceForState,
  noSchema,
  readOnly,
  systemTable,
  tooOld,
  twoStates,
} from './target-refusals.ts';

/** The table of `--pg-table` and the state tables, with their schemas. */
export interface ResolvedTarget {
  readonly target: TableName;
  /** Its pg_class.oid; undefined: it does not exist yet. */
  readonly oid: number | undefined;
  /** The schema that the bare name leads to by the search_path; undefined: none of them exists. */
  readonly bareSchema: string | undefined;
  readonly tables: StateTables;
  /** Whether all state tables are there, as this version has them. */
  readonly stateIsCurrent: boolean;
}

/** server_version_num of the oldest release that this program is tested with. */
const OLDEST_VERSION = 130_000;

interface ResolvedRow {
  readonly current_schema: string | null;
  readonly may_create_there: boolean | null;
  readonly bare_schema: string | null;
  readonly schema_exists: boolean;
  readonly state_schema: string | null;
  readonly ledger_schemas: string;
  readonly in_recovery: boolean;
  readonly version: number;
}

/**
 * Finds the schemas of the target and of the state tables, by the search_path where none is named: the
 * table that is there, or else the schema where it would be made. State tables that know the target
 * are its own, whatever the search_path says. Throws for a server, a schema or a table that cannot be
 * used.
 */
export async function resolveTarget(
  sql: Session,
  given: { readonly schema: string | undefined; readonly name: string },
): Promise<ResolvedTarget> {
  const [row] = await sql.unsafe<ResolvedRow[]>(resolveQuery(given));
  if (row === undefined) throw new Error('the server answered nothing');
  if (row.version < OLDEST_VERSION) throw tooOld(row.version);
  if (row.in_recovery) throw readOnly();
  const bareSchema = row.bare_schema ?? row.current_schema ?? undefined;
  const schema = given.schema ?? bareSchema;
  if (schema === undefined) throw noSchema();
  if (!row.schema_exists) throw missingSchema(schema);
  if (isSystemSchema(schema)) throw systemTable(schema, given.name);
  const target = { schema, name: given.name };
  const place = (await ownState(sql, target, row)) ?? placeForState(target, row);
  return { target, bareSchema, ...(await readState(sql, target, place)) };
}

/**
 * `ledger_schemas` are those with state tables that this user may read; a `sync_runs` that is another
 * program's, or a copy of its rows, stands alone or has other columns.
 */
function resolveQuery(given: { schema: string | undefined; name: string }): string {
  const schemaOf = (table: string) =>
    `(SELECT nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.oid = to_regclass(${quoteLiteral(table)}))`;
  const exists =
    given.schema === undefined
      ? 'true'
      : `EXISTS (SELECT FROM pg_namespace WHERE nspname = ${quoteLiteral(given.schema)})`;
  return `SELECT current_schema(), has_schema_privilege(current_schema(), 'CREATE') AS may_create_there,
    ${schemaOf(quoteIdentifier(given.name))} AS bare_schema,
    ${exists} AS schema_exists, ${schemaOf('sync_state')} AS state_schema,
    pg_is_in_recovery() AS in_recovery, current_setting('server_version_num')::int AS version,
    (SELECT coalesce(json_agg(n.nspname ORDER BY n.nspname), '[]')
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relname = 'sync_runs' AND c.relkind = 'r' AND has_table_privilege(c.oid, 'SELECT')
       AND has_schema_privilege(n.oid, 'USAGE')
       AND EXISTS (SELECT FROM pg_class WHERE relnamespace = n.oid AND relname = 'sync_state')
       AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'target'
         AND atttypid = 'text'::regtype))::text AS ledger_schemas`;
}

/** The schema of the state tables that know the target, or else of those that the search_path finds. */
async function ownState(
  sql: Session,
  target: TableName,
  row: ResolvedRow,
): Promise<string | undefined> {
  const found = row.state_schema ?? undefined;
  const ledgers = JSON.parse(row.ledger_schemas) as readonly string[];
  if (ledgers.every((schema) => schema === found)) return found;
  const [own, other] = await schemasThatKnow(sql, target, ledgers);
  if (own !== undefined && other !== undefined) throw twoStates(target, own, other);
  return own ?? found;
}

/** The schemas whose ledger has runs of the target. */
async function schemasThatKnow(
  sql: Session,
  target: TableName,
  schemas: readonly string[],
): Promise<readonly string[]> {
  const asked = schemas.map(
    (schema) => `SELECT ${quoteLiteral(schema)} AS schema WHERE EXISTS (
      SELECT FROM ${quoteIdentifier(schema)}.sync_runs WHERE target = ${quoteLiteral(tableText(target))})`,
  );
  const rows = await sql.unsafe<{ schema: string }[]>(asked.join(' UNION ALL '));
  return rows.map(({ schema }) => schema);
}

/**
 * Where there are no state tables yet: the schema that the search_path begins with, or the target's
 * where that one takes no tables of this user (as `public` since PostgreSQL 15).
 */
function placeForState(target: TableName, row: ResolvedRow): string {
  const { current_schema: current, may_create_there: mayCreate } = row;
  return current !== null && mayCreate === true ? current : target.schema;
}

interface StateRow {
  readonly oid: string | null;
  readonly shapes: string;
  readonly version: number | null;
  readonly may_create: boolean;
}

/** What there is of the state tables in `schema`, with the oid of the target. */
async function readState(
  sql: Session,
  target: TableName,
  schema: string,
): Promise<Pick<ResolvedTarget, 'oid' | 'tables' | 'stateIsCurrent'>> {
  const tables = stateTables(schema);
  const [row] = await sql.unsafe<StateRow[]>(
    `SELECT to_regclass(${quoteLiteral(quoteTable(target))})::oid::text AS oid,
      (${shapesQuery(quoteLiteral(schema))}) AS shapes,
      ${versionOf(`to_regclass(${quoteLiteral(quoteTable(tables.runs))})`)} AS version,
      has_schema_privilege(${quoteLiteral(schema)}, 'CREATE') AS may_create`,
  );
  const shapes = JSON.parse(row?.shapes ?? '[]') as readonly StateShape[];
  checkShapes(tables, shapes);
  const complete = shapes.length === STATE_TABLE_NAMES.length;
  if (!complete && row?.may_create !== true) throw noPlaceForState(schema);
  return {
    oid: row?.oid == null ? undefined : Number(row.oid),
    tables,
    stateIsCurrent: complete && (row?.version ?? 0) >= STATE_VERSION,
  };
}

/** An unqualified `pg_class` is found in pg_catalog, which every search_path has. */
function isSystemSchema(schema: string): boolean {
  return schema === 'information_schema' || schema.startsWith('pg_');
}
