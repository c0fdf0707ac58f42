import { ProjectorError } from '../errors.ts';
import { quoteIdentifier, quoteLiteral, type TableName, tableText } from '../postgres/quoting.ts';
import { STATE_TABLE_NAMES } from '../state/state-tables.ts';

/** The target would be in a schema that is PostgreSQL's own. */
export function systemTable(schema: string, name: string): ProjectorError {
  return new ProjectorError({
    code: 'SYSTEM_TABLE',
    message: `--pg-table ${name} is ${quoteIdentifier(schema)}.${quoteIdentifier(name)}, which PostgreSQL keeps for itself`,
    hint: `Choose another name, or write the schema: --pg-table public.${quoteIdentifier(name)}.`,
    exitCode: 2,
  });
}

/** The server is older than what this program is tested with. */
export function tooOld(version: number): ProjectorError {
  return new ProjectorError({
    code: 'UNSUPPORTED_SERVER',
    message: `the server is PostgreSQL ${Math.floor(version / 10_000)}, and 13 is the oldest that is supported`,
    hint: 'Upgrade the server.',
  });
}

/** The server takes no writes. */
export function readOnly(): ProjectorError {
  return new ProjectorError({
    code: 'READ_ONLY',
    message: 'the server is a standby, or in recovery: it takes no writes',
    hint: 'Connect to the primary: name its address in --pg-conn, or list all hosts and add target_session_attrs=read-write.',
  });
}

/** A bare name, and nothing in the search_path. */
export function noSchema(): ProjectorError {
  return new ProjectorError({
    code: 'NO_SCHEMA',
    message: 'none of the schemas in search_path exists, so --pg-table has no place',
    hint: 'Write the schema in --pg-table, and give the user a search_path: ALTER ROLE ... SET search_path = ...',
  });
}

/** The schema of `--pg-table` is not there. */
export function missingSchema(schema: string): ProjectorError {
  return new ProjectorError({
    code: 'NO_SUCH_SCHEMA',
    message: `the database has no schema ${quoteIdentifier(schema)}`,
    hint: `Create it: CREATE SCHEMA ${quoteIdentifier(schema)};`,
  });
}

/** The state tables are missing, and this user may not make them in `name`. */
export function noPlaceForState(name: string): ProjectorError {
  const schema = quoteIdentifier(name);
  return new ProjectorError({
    code: 'PERMISSION_DENIED',
    message: `${STATE_TABLE_NAMES.join(', ')} cannot be made: this user may not create in schema ${schema}`,
    hint: `GRANT CREATE ON SCHEMA ${schema} TO the user of --pg-conn.`,
  });
}

/** Both `one` and `other` are schemas whose state tables know the target. */
export function twoStates(target: TableName, one: string, other: string): ProjectorError {
  const table = tableText(target);
  return new ProjectorError({
    code: 'TWO_WATERMARKS',
    message: `the schemas ${quoteIdentifier(one)} and ${quoteIdentifier(other)} both have a sync_runs with runs of ${table}`,
    hint: `Keep the one that is right, and take the target out of the other: DELETE FROM ${quoteIdentifier(other)}.sync_runs WHERE target = ${quoteLiteral(table)};`,
  });
}
