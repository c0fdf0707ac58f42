import { expect, setDefaultTimeout, test } from 'bun:test';
import type { Session } from '../../src/postgres/pool.ts';
import { migrateState } from '../../src/state/migrate.ts';
import { stateTables } from '../../src/state/state-tables.ts';
import { sharedPostgres } from '../server/shared.ts';
import { freshReference, REFERENCE } from './reference.ts';

setDefaultTimeout(60_000);

const reference = await Bun.file(REFERENCE).text();

test('the generated tables are what the code says (bun test/tools/reference.ts writes them)', async () => {
  expect(reference).toBe(await freshReference());
});

test('the state tables have the columns that the reference lists, with their types', async () => {
  const database = await (await sharedPostgres()).createDatabase();
  const session = await database.sql.reserve();
  await migrateState(session as unknown as Session, stateTables('public'));
  const rows = await session.unsafe(`
    SELECT relname, attname, format_type(atttypid, atttypmod) AS type
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0
      AND NOT attisdropped`);
  session.release();
  await database.drop();
  const made = rows.map(({ relname, attname, type }) => `${relname}.${attname} ${shortType(type)}`);
  expect(listedColumns().sort()).toEqual(made.sort());
});

function shortType(type: string): string {
  return type.replace(' without time zone', '').replace('timestamp with time zone', 'timestamptz');
}

/** `table.column type` for each line of the tables of columns; several may share a line. */
function listedColumns(): string[] {
  const [, section = ''] = reference.split(/^## State tables$/m);
  const listed: string[] = [];
  let table = '';
  for (const line of section.split(/^## /m)[0]?.split('\n') ?? []) {
    table = /^`(\w+)`,/.exec(line)?.[1] ?? table;
    const [, names = '', types = ''] = /^\| (`.+?`) \| (.+?) \|/.exec(line) ?? [];
    const shared = types.split(', ');
    for (const [at, [, name]] of [...names.matchAll(/`(\w+)`/g)].entries())
      listed.push(`${table}.${name} ${shared[at] ?? shared[0]}`);
  }
  return listed;
}
