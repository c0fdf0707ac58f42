import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readSource, type Source } from '../../src/google/source.ts';
import { instantOfUnixMicros } from '../../src/instant.ts';
import { countQuery, rowFilter } from '../../src/plan/watermark-window.ts';
import { type Google, startGoogle } from '../gcp/google.ts';

const NAME = { project: undefined, dataset: 'd', table: 't', location: 'US' };
const LOW = '2024-01-01 00:00:00.000001';

const source = (field: object, more: object = {}): Source =>
  readSource(NAME, { schema: { fields: [{ name: 'max_ingested_at', ...field }] }, ...more });

describe.each([
  ['TIMESTAMP', (text: string) => `TIMESTAMP '${text}+00'`],
  ['DATETIME', (text: string) => `DATETIME '${text}'`],
])('of a %s column', (type, literal) => {
  let google: Google;
  beforeAll(async () => {
    google = await startGoogle();
    await google.createDataset('d');
    await google.createTable('d', 't', [
      { name: 'id', type: 'STRING' },
      { name: 'max_ingested_at', type },
    ]);
    const rows = [
      ['before', '2024-01-01 00:00:00.000000'],
      ['low', LOW],
      ['just after', '2024-01-01 00:00:00.000002'],
      ['high', '2024-01-02 00:00:00.000000'],
      ['beyond', '2024-01-02 00:00:00.000001'],
    ].map(([id, at]) => `('${id}', ${literal(String(at))})`);
    await google.sql(`INSERT INTO d.t VALUES ${rows.join(', ')}, ('never', NULL)`);
  });
  afterAll(() => google[Symbol.asyncDispose]());

  const idsIn = async (low: string | undefined) => {
    const where = rowFilter(source({ type }), low) ?? 'TRUE';
    const rows = await google.sql(`SELECT id FROM d.t WHERE ${where} ORDER BY max_ingested_at`);
    return rows.map(({ id }) => id);
  };

  test('an increment takes what is after low, without an upper bound', async () => {
    expect(await idsIn(LOW)).toEqual(['just after', 'high', 'beyond']);
  });

  test('a full load takes every row, the NULLs too', async () => {
    const ids = await idsIn(undefined);
    expect(ids.toSorted()).toEqual(['before', 'beyond', 'high', 'just after', 'low', 'never']);
  });

  test.each([
    ['everything', undefined, '2024-01-02 00:00:00.000001', 6],
    ['what is after low', LOW, '2024-01-02 00:00:00.000001', 3],
    ['nothing new', '2024-01-02 00:00:00.000001', undefined, 0],
  ])(
    'the query finds the newest instant and the count of %s',
    async (_what, low, newest, count) => {
      const [row] = await google.sql(countQuery(source({ type }), low));
      const [micros, rows] = Object.values(row ?? {});
      const found = micros === null ? undefined : instantOfUnixMicros(BigInt(String(micros)));
      expect([found, Number(rows)]).toEqual([newest, count]);
    },
  );
});

test('a table that requires a partition filter is asked with one that is always true', () => {
  const partitioned = source(
    { type: 'TIMESTAMP' },
    { requirePartitionFilter: true, timePartitioning: { type: 'DAY', field: 'max_ingested_at' } },
  );
  expect(countQuery(partitioned, undefined)).toEndWith(
    "WHERE `max_ingested_at` >= TIMESTAMP '0001-01-01 00:00:00.000000+00' OR `max_ingested_at` IS NULL",
  );
});

test('picoseconds count as the microsecond that Postgres keeps of them', () => {
  const fine = source({ type: 'TIMESTAMP', timestampPrecision: '12' });
  expect(rowFilter(fine, LOW)).toBe(
    "`max_ingested_at` >= TIMESTAMP '2024-01-01 00:00:00.000002+00'",
  );
});

test('after the last microsecond of 9999 no later one is written, since there is none', () => {
  const fine = source({ type: 'TIMESTAMP', timestampPrecision: '12' });
  expect(rowFilter(fine, '9999-12-31 23:59:59.999999')).toBe('FALSE');
});
