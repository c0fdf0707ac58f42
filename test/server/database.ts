import postgres from 'postgres';
import { TEXT_TYPES } from '../../src/postgres/postgres-types.ts';

/** A database that is one test's own. */
export interface TestDatabase extends AsyncDisposable {
  readonly name: string;
  /** By TCP, as the superuser, without a password. */
  readonly uri: string;
  /** A pool of its own, with the value types that the product uses. */
  readonly sql: postgres.Sql;
  /** Closes `sql` and drops the database, whoever is still connected. Can be called twice. */
  drop(): Promise<void>;
}

export interface ServerAddress {
  readonly port: number;
  readonly socketDirectory: string;
}

let created = 0;

/** Creates a database from template0, and a pool that is connected to it by the Unix socket. */
export async function createTestDatabase(server: ServerAddress): Promise<TestDatabase> {
  created += 1;
  const name = `test_${process.pid}_${created}`;
  await runAsSuperuser(server, `CREATE DATABASE ${name} TEMPLATE template0`);
  const sql = connectBySocket(server, name, 5);
  let dropped: Promise<void> | undefined;
  const drop = () => {
    dropped ??= dropDatabase(server, name, sql);
    return dropped;
  };
  const uri = `postgres://postgres@127.0.0.1:${server.port}/${name}`;
  return { name, uri, sql, drop, [Symbol.asyncDispose]: drop };
}

/** Runs one statement in the database `postgres`, as the superuser. */
export async function runAsSuperuser(server: ServerAddress, statement: string): Promise<void> {
  const sql = connectBySocket(server, 'postgres', 1);
  try {
    await sql.unsafe(statement);
  } finally {
    await sql.end();
  }
}

async function dropDatabase(server: ServerAddress, name: string, sql: postgres.Sql) {
  await sql.end({ timeout: 0 });
  await runAsSuperuser(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
}

/** A pool for the superuser, by the Unix socket, with the value types that the product uses. */
export function connectBySocket(
  server: ServerAddress,
  database: string,
  max: number,
): postgres.Sql {
  return postgres({
    path: `${server.socketDirectory}/.s.PGSQL.${server.port}`,
    user: 'postgres',
    database,
    max,
    fetch_types: false,
    types: TEXT_TYPES,
    onnotice: () => undefined,
  }) as unknown as postgres.Sql;
}
