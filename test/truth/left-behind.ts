import type postgres from 'postgres';
import type { Google } from '../gcp/google.ts';
import { schemasOf } from './user-actions.ts';

/** Where runs leave things. */
export interface Place {
  readonly google: Google;
  readonly sql: postgres.Sql;
  readonly bucket: string;
}

/** Staging tables by their names: twelve digits at their end make them the program's. */
const STAGING_TABLES = `SELECT 'table ' || relname AS name FROM pg_class
  WHERE relkind = 'r' AND relname LIKE '%\\_staging\\_%'`;

/** What there is of runs that have not come to their end, or did not clean up at it, each with its kind. */
export async function leftBehind({ google, sql, bucket }: Place): Promise<readonly string[]> {
  const objects = google.objects(bucket).map(({ name }) => `object ${name}`);
  const queries = [STAGING_TABLES];
  for (const schema of await schemasOf(sql, 'sync_splits')) {
    queries.push(`SELECT 'mark ' || object_prefix || split FROM ${schema}.sync_splits`);
  }
  for (const schema of await schemasOf(sql, 'sync_runs')) {
    queries.push(
      `SELECT 'run ' || run_id || ', ' || status FROM ${schema}.sync_runs
       WHERE NOT cleaned OR status NOT IN ('applied', 'failed', 'interrupted', 'died', 'resumed')`,
    );
  }
  const rows = await sql.unsafe<{ name: string }[]>(queries.join(' UNION ALL '));
  return [...objects, ...rows.map(({ name }) => name)];
}
