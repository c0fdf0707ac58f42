import type postgres from 'postgres';
import { ProjectorError } from '../../src/errors.ts';
import type { TestDatabase } from '../server/database.ts';
import type { TestServer } from '../server/server.ts';
import { sharedPostgres } from '../server/shared.ts';
import { connectAs, LOADER, script } from './swap-fixture.ts';

export const TARGET = { schema: 's', name: 't' };
export const STAGING = { schema: 's', name: 't__staging' };

/** A database with the schema `s` of rich_owner, and a pool of LOADER, who is no superuser. */
export interface SwapFixture extends AsyncDisposable {
  readonly database: TestDatabase;
  readonly sql: postgres.Sql;
  readonly loader: postgres.Sql;
}

/** Makes a fixture by `setUp`, run as rich_owner. */
export async function createFixture(
  setUp: string,
  server: Promise<TestServer> = sharedPostgres(),
): Promise<SwapFixture> {
  const database = await (await server).createDatabase();
  await database.sql.unsafe(script('rich-roles.sql', 18));
  await database.sql.unsafe(`CREATE SCHEMA s; GRANT ALL ON SCHEMA s TO rich_owner, "${LOADER}";
    GRANT USAGE ON SCHEMA s TO PUBLIC;
    SET ROLE rich_owner; ${setUp}; RESET ROLE`);
  const loader = connectAs(database.uri, LOADER);
  const dispose = async () => {
    await loader.end({ timeout: 0 });
    await database.drop();
  };
  return { database, sql: database.sql, loader, [Symbol.asyncDispose]: dispose };
}

/** The ProjectorError that `work` ends with. */
export async function failureOf(work: Promise<unknown>): Promise<ProjectorError> {
  const error = await work.then(
    () => new Error('it succeeded'),
    (reason: unknown) => reason,
  );
  if (error instanceof ProjectorError) return error;
  throw error;
}

/** The rows of a query, each as JSON text. */
export async function texts(sql: postgres.ISql, query: string): Promise<readonly string[]> {
  const rows = await sql.unsafe<{ text: string }[]>(
    `SELECT to_jsonb(q)::text AS text FROM (${query}) AS q`,
  );
  return rows.map(({ text }) => text);
}
