import { expect } from 'bun:test';
import { spawnSync } from 'node:child_process';
import type { TestServer } from '../postgres/server.ts';
import { connectAs, fullLoad, sameRows, script } from './fixture.ts';

const TARGET = { schema: 'Sales', name: 'Orders' };
const STAGING = { schema: 'Sales', name: 'Orders__staging' };

/**
 * Loads the rich target in full, as a user without superuser, and compares pg_dump's text of the
 * whole database before and after.
 */
export async function expectSurvival(
  server: TestServer,
  version: number,
  pgDump: string,
): Promise<void> {
  await using database = await server.createDatabase();
  const { sql } = database;
  await sql.unsafe(script('rich-roles.sql', version));
  await sql.unsafe(script('rich.sql', version));
  const loader = connectAs(database.uri, 'rich_loader');
  try {
    const before = dump(pgDump, database.uri);
    await loader`SET search_path = public`;
    const load = { target: TARGET, staging: STAGING, rows: await sameRows(sql, TARGET) };
    const swapped = await fullLoad(loader, load);
    console.log(version, swapped);
    expect(dump(pgDump, database.uri)).toBe(before);
  } finally {
    await loader.end();
  }
}

function dump(pgDump: string, uri: string): string {
  const { status, stdout, stderr } = spawnSync(pgDump, ['--schema-only', uri], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (status !== 0) throw new Error(stderr);
  return stdout.replace(/^\\(un)?restrict .*$/gm, '');
}
