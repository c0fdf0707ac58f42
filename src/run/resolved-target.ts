import { ProjectorError } from '../errors.ts';
import type { Session } from '../postgres/pool.ts';
import { quoteIdentifier, quoteLiteral, type TableName } from '../postgres/quoting.ts';
import {
  STATE_TABLE_NAMES,
  type StateTables,
  stateShape,
  stateTables,
} from '../state/state-tables.ts';

/** Where in the database a run takes place. */
export interface ResolvedTarget {
  readonly target: TableName;
  readonly tables: StateTables;
  /** undefined: some of the program's tables are still to be made. */
  readonly existingTables: StateTables | undefined;
  /** What stateShape gives for it; undefined where there is no `sync_state`. */
  readonly stateShape: string | undefined;
}

interface ResolvedRow {
  readonly current_schema: string | null;
  readonly target_schema: string | null;
  readonly schema_exists: boolean;
  readonly state_schema: string | null;
  readonly complete: boolean;
  readonly state_shape: string | null;
  readonly in_recovery: boolean;
}

/**
 * Finds the schemas of the target and of the program's own tables, by the search_path where none is
 * named: the table that is there, or else the schema where it would be made.
 */
export async function resolveTarget(
  sql: Session,
  given: { readonly schema: string | undefined; readonly name: string },
): Promise<ResolvedTarget> {
  const [row] = await sql.unsafe<ResolvedRow[]>(resolveQuery(given));
  if (row === undefined) throw new Error('the server answered nothing');
  if (row.in_recovery) throw readOnly();
  const schema = given.schema ?? row.target_schema ?? row.current_schema;
  if (schema === null) throw noSchema();
  if (!row.schema_exists) throw missingSchema(schema);
  if (isSystemSchema(schema)) throw systemTable(schema, given.name);
  const tables = stateTables(row.state_schema ?? row.current_schema ?? schema);
  const target = { schema, name: given.name };
  const existingTables = row.complete ? tables : undefined;
  return { target, tables, existingTables, stateShape: row.state_shape ?? undefined };
}

function resolveQuery(given: { schema: string | undefined; name: string }): string {
  const schemaOf = (table: string) =>
    `(SELECT nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.oid = to_regclass(${quoteLiteral(table)}))`;
  const state = schemaOf('sync_state');
  const exists =
    given.schema === undefined
      ? 'true'
      : `EXISTS (SELECT FROM pg_namespace WHERE nspname = ${quoteLiteral(given.schema)})`;
  return `SELECT current_schema(), ${schemaOf(quoteIdentifier(given.name))} AS target_schema,
    ${exists} AS schema_exists, ${state} AS state_schema, pg_is_in_recovery() AS in_recovery,
    (${stateShape('sync_state')}) AS state_shape,
    (SELECT count(*) = ${STATE_TABLE_NAMES.length}
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = ${state} AND relname IN (${STATE_TABLE_NAMES.map(quoteLiteral).join(', ')})) AS complete`;
}

/** An unqualified `pg_class` is found in pg_catalog, which every search_path has. */
function isSystemSchema(schema: string): boolean {
  return schema === 'information_schema' || schema.startsWith('pg_');
}

function systemTable(schema: string, name: string): ProjectorError {
  return new ProjectorError({
    code: 'SYSTEM_TABLE',
    message: `--pg-table ${name} is ${quoteIdentifier(schema)}.${quoteIdentifier(name)}, which PostgreSQL keeps for itself`,
    hint: `Choose another name, or write the schema: --pg-table public.${quoteIdentifier(name)}.`,
    exitCode: 2,
  });
}

function readOnly(): ProjectorError {
  return new ProjectorError({
    code: 'READ_ONLY',
    message: 'the server is a standby, or in recovery: it takes no writes',
    hint: 'Connect to the primary: name its address in --pg-conn, or list all hosts and add target_session_attrs=read-write.',
  });
}

function noSchema(): ProjectorError {
  return new ProjectorError({
    code: 'NO_SCHEMA',
    message: 'no schema of the search_path exists, so --pg-table has no place',
    hint: 'Write the schema in --pg-table, and give the user a search_path: ALTER ROLE ... SET search_path = ...',
  });
}

function missingSchema(schema: string): ProjectorError {
  return new ProjectorError({
    code: 'NO_SUCH_SCHEMA',
    message: `the database has no schema ${quoteIdentifier(schema)}`,
    hint: `Create it: CREATE SCHEMA ${quoteIdentifier(schema)};`,
  });
}
