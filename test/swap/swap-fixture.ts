import { readFileSync } from 'node:fs';
import postgres from 'postgres';
import { quoteIdentifier, quoteTable, type TableName } from '../../src/postgres/quoting.ts';
import { finishStaging } from '../../src/swap/build/finish-staging.ts';
import { stagingStatements } from '../../src/swap/build/staging.ts';
import { explainViolation } from '../../src/swap/constraint-violations.ts';
import type { Dependents } from '../../src/swap/dependencies/dependents.ts';
import type { AddedColumn } from '../../src/swap/objects/columns.ts';
import { type SwapOptions, type Swapped, swap } from '../../src/swap/swap.ts';
import type { SwapPlan } from '../../src/swap/swap-plan.ts';
import { dependentsOf } from './read-dependents.ts';

/** The user of all test loads: no superuser, a member of the owner, with a name that needs quotes. */
export const LOADER = 'loader@project.iam';

/** A full load of a test: the real steps, but for the rows, which an INSERT makes. */
export interface TestLoad {
  readonly target: TableName;
  readonly staging: TableName;
  /** INSERT statements' text after `INSERT INTO staging `. */
  readonly rows: string;
  readonly added?: readonly AddedColumn[];
  readonly options?: SwapOptions;
}

/** Runs a whole full load of `target` on the pool `sql`. */
export async function fullLoad(sql: postgres.Sql, load: TestLoad): Promise<Swapped> {
  const dependents = await dependentsOf(sql, load.target);
  await fillStaging(sql, load, dependents);
  await finishStaging(
    sql,
    { target: load.target, staging: load.staging, dependents },
    () => undefined,
  );
  return await swapIn(sql, load, dependents);
}

export async function fillStaging(
  sql: postgres.Sql,
  load: TestLoad,
  dependents: Dependents | undefined,
): Promise<void> {
  await sql.begin(async (transaction) => {
    for (const statement of stagingStatements(planOf(load, dependents))) {
      await transaction.unsafe(statement);
    }
  });
  try {
    await sql.unsafe(`INSERT INTO ${quoteTable(load.staging)} ${load.rows}`);
  } catch (error) {
    throw explainViolation(error, load.target);
  }
}

export async function swapIn(
  sql: postgres.Sql,
  load: TestLoad,
  dependents: Dependents | undefined,
): Promise<Swapped> {
  return await sql.begin((transaction) =>
    swap(transaction, planOf(load, dependents), load.options),
  );
}

function planOf(load: TestLoad, dependents: Dependents | undefined): SwapPlan {
  const { target, staging, added = [] } = load;
  return { target, staging, dependents, added };
}

/** Everything of the old table but its generated columns, so that the rows satisfy its constraints. */
export async function sameRows(sql: postgres.Sql, table: TableName): Promise<string> {
  const columns = await sql<{ name: string }[]>`
    SELECT attname AS name FROM pg_attribute
    WHERE attrelid = ${quoteTable(table)}::regclass AND attnum > 0 AND NOT attisdropped
      AND attgenerated = '' ORDER BY attnum`;
  const list = columns.map(({ name }) => quoteIdentifier(name)).join(', ');
  return `(${list}) OVERRIDING SYSTEM VALUE SELECT ${list} FROM ${quoteTable(table)}`;
}

/** The tablespace of rich.sql, inside the server's own directory (PostgreSQL 15 and later). */
export async function makeTablespace(uri: string): Promise<void> {
  const connection = { options: '-c allow_in_place_tablespaces=on' };
  const sql = postgres(uri, { max: 1, connection });
  const there = await sql`SELECT FROM pg_tablespace WHERE spcname = 'rich_space'`;
  if (there.length === 0) await sql.unsafe(`CREATE TABLESPACE rich_space LOCATION ''`);
  await sql.end();
}

/** A script of this directory, with the lines that a server of `version` understands. */
export function script(name: string, version: number): string {
  return readFileSync(new URL(name, import.meta.url), 'utf8').replace(
    /^--@(\d+) /gm,
    (mark, from: string) => (Number(from) <= version ? '' : mark),
  );
}

/** A pool like the product's, as `user`; `onDebug` gets what the server says of its work. */
export function connectAs(
  uri: string,
  user: string,
  max = 4,
  onDebug?: (message: string) => void,
): postgres.Sql {
  const url = new URL(uri);
  url.username = user;
  return postgres(url.href, {
    max,
    fetch_types: false,
    connection: {
      // The test servers' default is off; then VACUUM cannot know yet that the rows are committed.
      synchronous_commit: 'on',
      client_min_messages: onDebug === undefined ? 'notice' : 'debug1',
    },
    onnotice: ({ message = '' }) => onDebug?.(message),
  });
}
