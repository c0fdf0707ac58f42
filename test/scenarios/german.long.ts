import { afterAll, beforeAll, expect, test } from 'bun:test';
import { execFileSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import type { TestDatabase } from '../server/database.ts';
import { createFolder } from '../server/folder.ts';
import { startPostgres, type TestServer } from '../server/server.ts';
import { openWorld } from './fixture.ts';

/** Debian's server has its messages in many languages; the locale is made for this test alone. */
const NATIVE = '/usr/lib/postgresql/15';
const LANGUAGE = 'de_DE.UTF-8';

const locales = createFolder();
let server: TestServer;

beforeAll(async () => {
  chmodSync(locales.path, 0o755);
  execFileSync('localedef', ['-i', 'de_DE', '-f', 'UTF-8', join(locales.path, LANGUAGE)]);
  server = await startPostgres({ native: NATIVE, env: { LOCPATH: locales.path } });
}, 120_000);

afterAll(async () => {
  await server.stop();
  locales[Symbol.dispose]();
});

/** A database with a role that speaks German, and may not choose another language. */
async function germanDatabase(table: string): Promise<TestDatabase & { readonly german: string }> {
  const database = await server.createDatabase();
  const role = `german_${database.name}`;
  await database.sql.unsafe(`CREATE ROLE ${role} LOGIN;
    ALTER ROLE ${role} SET lc_messages = '${LANGUAGE}';
    GRANT CREATE ON SCHEMA public TO ${role};
    CREATE DOMAIN short AS text CHECK (length(value) < 4);
    CREATE TABLE target (${table}, max_ingested_at timestamptz);
    ALTER TABLE target OWNER TO ${role}`);
  return { ...database, german: database.uri.replace('postgres@', `${role}@`) };
}

type Case = readonly [string, string, string, readonly string[], readonly string[]];

const cases: readonly Case[] = [
  [
    'a text that breaks the check of a domain',
    'id bigint, name short',
    "(1, 'four', NULL)",
    ['"four"', '"name" (', 'verletzt Check-Constraint'],
    ["`name` = 'four'"],
  ],
  [
    'a text of a type without an encoder',
    'id bigint, name inet',
    "(1, 'nowhere', NULL)",
    ['"nowhere"', '"name" (inet)', 'ungültige Eingabesyntax'],
    ["`name` = 'nowhere'"],
  ],
  [
    'a NULL',
    'id bigint, name text NOT NULL',
    '(1, NULL, NULL)',
    ['NULL of name', '"name"', 'NULL-Wert'],
    ['IS NULL', 'DROP NOT NULL'],
  ],
  [
    'a row that breaks a check',
    'id bigint CONSTRAINT small CHECK (id < 5), name text',
    "(7, 'seven', NULL)",
    ['"small"', 'Check-Constraint'],
    ["`name` = 'seven'", 'the constraint "small"'],
  ],
];

test.each(cases)('%s is found in German as in English', async (_, table, row, message, hint) => {
  await using world = await openWorld();
  const { german, drop } = await germanDatabase(table);
  await world.google.sql(`INSERT INTO source.rows VALUES ${row}`);
  const { exitCode, lines, text } = await world.run({ 'pg-conn': german });
  expect({ exitCode, text }).toEqual({ exitCode: 1, text });
  const failure = lines.find(({ severity }) => severity === 'ERROR');
  for (const part of message) expect(failure?.message).toContain(part);
  for (const part of hint) expect(failure?.['hint']).toContain(part);
  await drop();
});

test('a full load and a duplicate key go as in English', async () => {
  await using world = await openWorld();
  const { sql, german, drop } = await germanDatabase('id bigint UNIQUE, name text');
  await world.google.sql(
    `INSERT INTO source.rows VALUES (1, 'one', TIMESTAMP '2024-01-01 00:00:00+00')`,
  );
  const first = await world.run({ 'pg-conn': german });
  expect({ exitCode: first.exitCode, text: first.text }).toEqual({ exitCode: 0, text: first.text });
  await world.google.sql(
    `INSERT INTO source.rows VALUES (1, 'again', TIMESTAMP '2024-01-02 00:00:00+00')`,
  );
  const second = await world.run({ 'pg-conn': german });
  expect(second.exitCode).toBe(1);
  expect(second.text).toContain('target_id_key');
  expect(second.text).toContain('existiert bereits');
  expect((await sql`SELECT name FROM target`).map(({ name }) => name)).toEqual(['one']);
  await drop();
});
