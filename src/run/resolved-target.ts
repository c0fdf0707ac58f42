import { ProjectorError } from '../errors.ts';
import type { Session } from '../postgres/pool.ts';
import { quoteIdentifier, quoteLiteral, type TableName, tableText } from '../postgres/quoting.ts';
import { STATE_VERSION, versionOf } from '../state/migrate.ts';
import { checkShapes, type StateShape, shapesQuery } from '../state/state-shape.ts';
import { STATE_TABLE_NAMES, type StateTables, stateTables } from '../state/state-tables.ts';

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

interface ResolvedRow {
  readonly current_schema: string | null;
  readonly bare_schema: string | null;
  readonly schema_exists: boolean;
  readonly state_schema: string | null;
  readonly state_schemas: string;
  readonly in_recovery: boolean;
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
  if (row.in_recovery) throw readOnly();
  const bareSchema = row.bare_schema ?? row.current_schema ?? undefined;
  const schema = given.schema ?? bareSchema;
  if (schema === undefined) throw noSchema();
  if (!row.schema_exists) throw missingSchema(schema);
  if (isSystemSchema(schema)) throw systemTable(schema, given.name);
  const target = { schema, name: given.name };
  const schemas = JSON.parse(row.state_schemas) as readonly string[];
  const known = await schemasThatKnow(sql, target, schemas);
  const [own = row.state_schema ?? undefined, other] = known;
  if (other !== undefined && own !== undefined) throw twoStates(target, own, other);
  return {
    target,
    bareSchema,
    ...(await readState(sql, target, own, row.current_schema ?? undefined)),
  };
}

function resolveQuery(given: { schema: string | undefined; name: string }): string {
  const schemaOf = (table: string) =>
    `(SELECT nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.oid = to_regclass(${quoteLiteral(table)}))`;
  const exists =
    given.schema === undefined
      ? 'true'
      : `EXISTS (SELECT FROM pg_namespace WHERE nspname = ${quoteLiteral(given.schema)})`;
  return `SELECT current_schema(), ${schemaOf(quoteIdentifier(given.name))} AS bare_schema,
    ${exists} AS schema_exists, ${schemaOf('sync_state')} AS state_schema,
    pg_is_in_recovery() AS in_recovery,
    (SELECT coalesce(json_agg(n.nspname ORDER BY n.nspname), '[]')
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relname = 'sync_runs' AND c.relkind = 'r' AND has_table_privilege(c.oid, 'SELECT')
       AND has_schema_privilege(n.oid, 'USAGE'))::text AS state_schemas`;
}

/** The schemas whose ledger has runs of the target. */
async function schemasThatKnow(
  sql: Session,
  target: TableName,
  schemas: readonly string[],
): Promise<readonly string[]> {
  if (schemas.length < 2) return [];
  const asked = schemas.map(
    (schema) => `SELECT ${quoteLiteral(schema)} AS schema WHERE EXISTS (
      SELECT FROM ${quoteIdentifier(schema)}.sync_runs WHERE target = ${quoteLiteral(tableText(target))})`,
  );
  const rows = await sql.unsafe<{ schema: string }[]>(asked.join(' UNION ALL '));
  return rows.map(({ schema }) => schema);
}

interface StateRow {
  readonly oid: string | null;
  readonly shapes: string;
  readonly version: number | null;
  readonly may_create: boolean;
  readonly target_may_create: boolean;
}

/**
 * The state tables in `found`; where there are none yet, in the schema that the search_path begins with,
 * or in the target's where that one takes no tables of this user (as `public` since PostgreSQL 15).
 */
async function readState(
  sql: Session,
  target: TableName,
  found: string | undefined,
  current: string | undefined,
): Promise<Pick<ResolvedTarget, 'oid' | 'tables' | 'stateIsCurrent'>> {
  const schema = found ?? current ?? target.schema;
  const mayCreate = (name: string) =>
    `coalesce(has_schema_privilege(to_regnamespace(${quoteLiteral(quoteIdentifier(name))}), 'CREATE'), false)`;
  const relation = `to_regclass(${quoteLiteral(`${quoteIdentifier(target.schema)}.${quoteIdentifier(target.name)}`)})`;
  const ledger = `to_regclass(${quoteLiteral(`${quoteIdentifier(schema)}.sync_runs`)})`;
  const [row] = await sql.unsafe<StateRow[]>(
    `SELECT ${relation}::oid::text AS oid, (${shapesQuery(quoteLiteral(schema))}) AS shapes,
      ${versionOf(ledger)} AS version, ${mayCreate(schema)} AS may_create,
      ${mayCreate(target.schema)} AS target_may_create`,
  );
  const shapes = JSON.parse(row?.shapes ?? '[]') as readonly StateShape[];
  checkShapes(stateTables(schema), shapes);
  const complete = shapes.length === STATE_TABLE_NAMES.length;
  const place = found !== undefined || row?.may_create ? schema : target.schema;
  if (!complete && place === target.schema && !row?.target_may_create && !row?.may_create) {
    throw noPlaceForState(schema, target.schema);
  }
  return {
    oid: row?.oid == null ? undefined : Number(row.oid),
    tables: stateTables(place),
    stateIsCurrent: complete && (row?.version ?? 0) >= STATE_VERSION,
  };
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
    message: 'none of the schemas in search_path exists, so --pg-table has no place',
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

function noPlaceForState(schema: string, targetSchema: string): ProjectorError {
  const places = [...new Set([schema, targetSchema])].map(quoteIdentifier);
  return new ProjectorError({
    code: 'PERMISSION_DENIED',
    message: `${STATE_TABLE_NAMES.join(', ')} cannot be made: this user may not create in schema ${places.join(' or ')}`,
    hint: `GRANT CREATE ON SCHEMA ${places.at(-1)} TO the user of --pg-conn.`,
  });
}

function twoStates(target: TableName, one: string, other: string): ProjectorError {
  const table = tableText(target);
  return new ProjectorError({
    code: 'TWO_WATERMARKS',
    message: `the schemas ${quoteIdentifier(one)} and ${quoteIdentifier(other)} both have a sync_runs with runs of ${table}`,
    hint: `Keep the one that is right, and take the target out of the other: DELETE FROM ${quoteIdentifier(other)}.sync_runs WHERE target = ${quoteLiteral(table)};`,
  });
}
