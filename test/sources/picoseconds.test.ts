import { afterAll, beforeAll, expect, test } from 'bun:test';
import type { Field } from '../gcp/google.ts';
import { DATASET, openWorld, type World } from '../scenarios/fixture.ts';
import { runWell } from './run-well.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const FINE = { type: 'TIMESTAMP', timestampPrecision: '12' } as const;
const SCHEMA: readonly Field[] = [
  { name: 'id', type: 'STRING' },
  { name: 'odd', type: 'STRING' },
  { name: 'seen', ...FINE },
  { name: 'max_ingested_at', ...FINE },
];

/** Nanoseconds, which are the finest that the stand-in has, behind the same second. */
const at = (nanoseconds: number) => `2024-01-01 00:00:00.${String(nanoseconds).padStart(9, '0')}`;

async function insert(table: string, ...nanoseconds: readonly number[]): Promise<void> {
  const { google } = world;
  const rows = nanoseconds.map((n) => `('${n}', NULL, '${at(n)}', '${at(n)}')`);
  await google.duckdb(`INSERT INTO ${google.tableName(DATASET, table)} VALUES ${rows.join(', ')}`);
}

const FORMATS = [
  ['binary', 'text'],
  ['text', 'inet'],
] as const;

test.each(FORMATS)(
  'by COPY %s, rows that differ below the microsecond are loaded once each, cut to it, with a warning',
  async (format, odd) => {
    const { google, database } = world;
    const table = `fine_${format}`;
    const flags = { 'bq-table': table, 'pg-table': table };
    await google.createTable(DATASET, table, SCHEMA);
    await database.sql.unsafe(
      `CREATE TABLE ${table} (id text, odd ${odd}, seen timestamp, max_ingested_at timestamptz)`,
    );
    const ids = async () => {
      const rows = await database.sql.unsafe(`SELECT id FROM ${table} ORDER BY id::bigint`);
      return rows.map(({ id }) => Number(id));
    };

    await insert(table, 999, 1000, 1001, 1999);
    const first = await runWell(world, flags);
    expect(first.warnings).toEqual([
      'values of seen and max_ingested_at are cut to microseconds, which is what PostgreSQL holds',
    ]);
    expect(first.summary['watermark']).toBe('2024-01-01 00:00:00.000001');
    expect(await ids()).toEqual([999, 1000, 1001, 1999]);

    // 1,001 and 1,999 are greater than the watermark to the last digit, and not new.
    expect((await runWell(world, flags)).summary['mode']).toBe('nothing new');

    await insert(table, 2000, 2001, 2999);
    const second = await runWell(world, flags);
    expect(second.summary).toMatchObject({
      rows: 3,
      watermark: '2024-01-01 00:00:00.000002',
      since: '2024-01-01 00:00:00.000001',
    });

    // Late within its microsecond: what README says of a row at the watermark.
    await insert(table, 2500, 3000);
    expect((await runWell(world, flags)).summary['rows']).toBe(1);
    expect(await ids()).toEqual([999, 1000, 1001, 1999, 2000, 2001, 2999, 3000]);
    const [row] = await database.sql.unsafe(
      `SELECT seen::text, (max_ingested_at AT TIME ZONE 'UTC')::text AS at FROM ${table} WHERE id = '1999'`,
    );
    expect({ ...row }).toEqual({
      seen: '2024-01-01 00:00:00.000001',
      at: '2024-01-01 00:00:00.000001',
    });
  },
);
