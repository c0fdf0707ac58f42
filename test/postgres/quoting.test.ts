import { afterAll, beforeAll, expect, test } from 'bun:test';
import fc from 'fast-check';
import { quoteBigQueryPath, quoteBigQueryString } from '../../src/google/bigquery-quoting.ts';
import {
  fitIdentifier,
  quoteIdentifier,
  quoteLiteral,
  quoteTable,
  tableText,
} from '../../src/postgres/quoting.ts';
import { parseTableName } from '../../src/postgres/table-name.ts';
import { type Google, startGoogle } from '../gcp/google.ts';
import type { TestDatabase } from '../server/database.ts';
import { sharedPostgres } from '../server/shared.ts';

let database: TestDatabase;
let google: Google;
beforeAll(async () => {
  [database, google] = await Promise.all([
    sharedPostgres().then((server) => server.createDatabase()),
    startGoogle(),
  ]);
});
afterAll(async () => {
  await google[Symbol.asyncDispose]();
  await database.drop();
});

const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({ unit: fc.constantFrom(...'\'"\\`$;-.\n\r\t %aZé😀') }),
);
const withoutNul = texts.filter((text) => !text.includes('\0'));
const names = withoutNul.filter((text) => text !== '' && Buffer.byteLength(text) <= 63);

test('Postgres reads back every quoted identifier', async () => {
  const property = fc.asyncProperty(fc.uniqueArray(names, { minLength: 1 }), async (all) => {
    const columns = all.map((name, i) => `${i} AS ${quoteIdentifier(name)}`);
    const rows = await database.sql.unsafe(`SELECT ${columns.join(', ')}`);
    expect(rows.columns.map(({ name }) => name)).toEqual(all);
  });
  await fc.assert(property, { numRuns: 100 });
});

test.each(['on', 'off'])(
  'Postgres reads back every quoted constant with standard_conforming_strings %s',
  async (setting) => {
    const property = fc.asyncProperty(fc.array(withoutNul, { minLength: 1 }), async (all) => {
      const list = all.map((text) => quoteLiteral(text)).join(', ');
      const [, rows] = await database.sql.unsafe(
        `SET standard_conforming_strings = ${setting}; SELECT ARRAY[${list}]::text[]::text AS found, to_jsonb(ARRAY[${list}]::text[])::text AS json`,
      );
      const [row] = rows as unknown as { json: string }[];
      expect(JSON.parse(row?.json ?? '')).toEqual(all);
    });
    await fc.assert(property, { numRuns: 100 });
  },
);

test('a name is cut where Postgres cuts it, also with a suffix', async () => {
  const long = fc.string({ unit: fc.constantFrom(...'aé😀'), minLength: 55, maxLength: 70 });
  const property = fc.asyncProperty(long, async (name) => {
    const [row] = await database.sql.unsafe(`SELECT ${quoteLiteral(name)}::name::text AS cut`);
    expect(fitIdentifier(name)).toBe(row?.['cut']);
    const fitted = fitIdentifier(name, '_not_null');
    expect(fitted).toEndWith('_not_null');
    expect(Buffer.byteLength(fitted)).toBeLessThanOrEqual(63);
    expect(fitted.isWellFormed()).toBe(true);
  });
  await fc.assert(property, { numRuns: 100 });
});

test('no two tables have the same text', () => {
  const tables = [
    ['public', 'flights', 'public.flights'],
    ['a.b', 'c', '"a.b".c'],
    ['a', 'b.c', 'a."b.c"'],
    ['a', '"b.c"', 'a."""b.c"""'],
  ] as const;
  for (const [schema, name, text] of tables) expect(tableText({ schema, name })).toBe(text);
});

test('what Postgres cannot hold is refused', () => {
  expect(() => quoteIdentifier('a\0b')).toThrow(TypeError);
  expect(() => quoteLiteral('a\0b')).toThrow(TypeError);
});

test('BigQuery reads back every quoted string', async () => {
  const property = fc.asyncProperty(withoutNul, async (text) => {
    const [row] = await google.sql(`SELECT ${quoteBigQueryString(text)} AS text`);
    expect(row?.['text']).toBe(text);
  });
  await fc.assert(property, { numRuns: 200 });
});

test('a path is quoted as a whole, with what backticks need', () => {
  expect(quoteBigQueryPath('my-project', 'd', 't')).toBe('`my-project.d.t`');
  expect(quoteBigQueryPath('a`b\\c')).toBe('`a\\`b\\\\c`');
});

/** How Postgres itself reads a name: `parse_ident` folds and unquotes. */
async function identOf(text: string): Promise<string[]> {
  const [row] = await database.sql`SELECT to_jsonb(parse_ident(${text}))::text AS parts`;
  return JSON.parse(row?.['parts']);
}

test.each([
  'flights',
  'Flights',
  'Mart.Flights',
  '"Mart"."Flights"',
  'mart."a.b ""c"" d"',
  '_a$1',
  ' mart . flights ',
  'ÄÖ',
  'žluť',
  'žluť'.normalize('NFD'),
  '٣.☃😀',
  'a\u00a0b',
])('%p is read as Postgres reads it', async (text) => {
  const { schema, name } = parseTableName(text);
  expect([...(schema === undefined ? [] : [schema]), name]).toEqual(await identOf(text));
});

test('whatever is typed, it is read as Postgres reads it, or refused as it refuses it', async () => {
  const typed = fc.string({ unit: fc.constantFrom(...'aZ_$1éŽ\u030cタ٣😀\u00a0\u2003 \t."') });
  const property = fc.asyncProperty(typed, async (text) => {
    const parts = await identOf(text).catch((): string[] => []);
    fc.pre(!parts.includes('')); // parse_ident lets "" pass, which no table can be named
    if (parts.length < 1 || parts.length > 2) expect(() => parseTableName(text)).toThrow();
    else {
      const { schema, name } = parseTableName(text);
      expect([...(schema === undefined ? [] : [schema]), name]).toEqual(parts);
    }
  });
  await fc.assert(property, { numRuns: 500 });
});

test('every quoted table is read back', () => {
  const property = fc.property(names, names, (schema, name) => {
    expect(parseTableName(quoteTable({ schema, name }))).toEqual({ schema, name });
  });
  fc.assert(property, { numRuns: 300 });
});

test.each(['', '.', 'a.', '.b', 'a.b.c', 'a b', '1a', '"a', 'a"b"', '""', 'a-b', 'a;b', '"a\0b"'])(
  '%p is no table name',
  (text) => {
    expect(() => parseTableName(text)).toThrow(
      expect.objectContaining({ code: 'BAD_TABLE_NAME', exitCode: 2 }),
    );
  },
);

test('a name that Postgres would cut is refused, counted in bytes', () => {
  expect(parseTableName('é'.repeat(31)).name).toBe('é'.repeat(31));
  expect(() => parseTableName('é'.repeat(32))).toThrow('64 bytes');
});
