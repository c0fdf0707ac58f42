import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { type Clients, refusal, startClients } from './clients.ts';

let clients: Clients;

beforeAll(async () => {
  clients = await startClients();
  await clients.google.createDataset('d');
  await clients.google.createTable('d', 'Wéird table', [
    { name: 'order', type: 'INTEGER' },
    { name: 'a"b', type: 'STRING' },
    { name: 'tags', type: 'STRING', mode: 'REPEATED' },
    {
      name: 'rec',
      type: 'RECORD',
      fields: [
        { name: 'x', type: 'INTEGER' },
        { name: 'ys', type: 'RECORD', mode: 'REPEATED', fields: [{ name: 'n', type: 'NUMERIC' }] },
        { name: 'none', type: 'INTEGER', mode: 'REPEATED' },
      ],
    },
  ]);
  await clients.google.sql(`INSERT INTO \`test-project.d.Wéird table\` VALUES
    (1, 'one', ['b', 'a'], STRUCT(7, [STRUCT(NUMERIC '1.50')], NULL)), (2, NULL, NULL, NULL)`);
});
afterAll(() => clients[Symbol.asyncDispose]());

/** Expressions with what BigQuery answers, by the documentation of the function or by a record. */
const EXPRESSIONS: readonly (readonly [string, unknown])[] = [
  [`UNIX_MICROS(TIMESTAMP '0001-01-01 00:00:00+00') - 946684800000000`, -63082281600000000],
  [`UNIX_MICROS(TIMESTAMP(DATETIME '2000-01-01 00:00:00.000001')) - 946684800000000`, 1],
  [`UNIX_DATE(DATE '9999-12-31') - 10957`, 2921939],
  [`TIME_DIFF(TIME '23:59:59.999999', TIME '00:00:00', MICROSECOND)`, 86399999999],
  [`TO_JSON_STRING(STRUCT(1 AS a, 'b' AS b))`, '{"a":1,"b":"b"}'],
  [
    `TO_JSON_STRING(STRUCT(9007199254740993 AS a, 9007199254740992 AS b))`,
    '{"a":"9007199254740993","b":9007199254740992}',
  ],
  [`TO_JSON_STRING([NUMERIC '1.5', NUMERIC '2'])`, '["1.5",2]'],
  [
    `TO_JSON_STRING([CAST('nan' AS FLOAT64), CAST('-inf' AS FLOAT64), 1.0])`,
    '["NaN","-Infinity",1]',
  ],
  [`TO_JSON_STRING(TIMESTAMP '2024-01-01 00:00:00.5+00')`, '"2024-01-01T00:00:00.500Z"'],
  [`TO_JSON_STRING(DATETIME '2024-01-01 12:00:00')`, '"2024-01-01T12:00:00"'],
  [`TO_JSON_STRING(b'\\x00\\xff')`, '"AP8="'],
  [`TO_JSON_STRING(JSON '{"a": [1, null]}')`, '{"a":[1,null]}'],
  [`TO_JSON_STRING(CAST(NULL AS STRING))`, 'null'],
  [`TO_HEX(FROM_HEX(REPLACE('00ff-10', '-', '')))`, '00ff10'],
  [`TO_BASE64(b'abc')`, 'YWJj'],
  [`CAST(1.0 AS STRING)`, '1'],
  [`CAST(0.1 + 0.2 AS STRING)`, '0.30000000000000004'],
  [`CAST(CAST('nan' AS FLOAT64) AS STRING)`, 'NaN'],
  [`CAST(NUMERIC '-1.50' AS STRING)`, '-1.5'],
  [
    `CAST(BIGNUMERIC '-0.00000000000000000000000000000000000001' AS STRING)`,
    '-0.00000000000000000000000000000000000001',
  ],
  [`CAST(TIMESTAMP '2024-01-01 00:00:00.123456+00' AS STRING)`, '2024-01-01 00:00:00.123456+00'],
  [`CAST(DATETIME '0001-01-01 00:00:00' AS STRING)`, '0001-01-01 00:00:00'],
  [`CAST(TIME '01:02:03.004' AS STRING)`, '01:02:03.004'],
  [`CAST(INTERVAL '1-2 3 4:5:6.5' YEAR TO SECOND AS STRING)`, '1-2 3 4:5:6.500'],
  [`CAST(b'abc' AS STRING)`, 'abc'],
  [
    `FORMAT_TIMESTAMP('%E4Y-%m-%d %H:%M:%E6S+00', TIMESTAMP '0001-01-01 00:00:00+00')`,
    '0001-01-01 00:00:00.000000+00',
  ],
  [
    `FORMAT_TIMESTAMP('%Y/%m/%d %H:%M:%S', TIMESTAMP '2024-01-15 12:34:56+00')`,
    '2024/01/15 12:34:56',
  ],
  [`FORMAT_DATE('%F', DATE '2024-02-29')`, '2024-02-29'],
  [`FORMAT('%t|%d', DATE '2024-01-01', 5)`, '2024-01-01|5'],
  [`FORMAT('%t', [1, 2])`, '[1, 2]'],
  [`FORMAT('%d', CAST(NULL AS INT64))`, null],
  [
    `ARRAY_TO_STRING(ARRAY(SELECT CAST(e * 2 AS STRING) FROM UNNEST([3, 1, 2]) AS e WITH OFFSET AS o ORDER BY o), ',')`,
    '6,2,4',
  ],
  [`(SELECT MIN(o) FROM UNNEST(['x']) AS e WITH OFFSET o)`, 0],
  [`ST_ASTEXT(ST_GEOGPOINT(1, 2.5))`, 'POINT(1 2.5)'],
  [`CAST(RANGE_START(RANGE<DATE> '[2020-01-01, UNBOUNDED)') AS STRING)`, '2020-01-01'],
  [`RANGE_END(RANGE<DATE> '[2020-01-01, UNBOUNDED)')`, null],
  [`SAFE_CAST('x' AS INT64)`, null],
  [`SAFE_CAST('x' AS STRING)`, 'x'],
  [`CAST(2.5 AS INT64)`, 3],
  [`IS_NAN(IEEE_DIVIDE(0, 0))`, true],
  [`CHAR_LENGTH('é🙂')`, 2],
  [`BYTE_LENGTH('é')`, 2],
  [`SAFE.FROM_HEX('zz')`, null],
  [
    `CAST(TIMESTAMP_TRUNC(TIMESTAMP '2024-01-01 12:34:56+00', DAY) AS STRING)`,
    '2024-01-01 00:00:00+00',
  ],
  [`EXTRACT(YEAR FROM DATE '2024-05-06')`, 2024],
  [`CASE WHEN 1 IS NOT DISTINCT FROM NULL THEN 'a' ELSE 'b' END`, 'b'],
  [`"it's" || 'a\\'b' || r'\\n' || '''x'y'''`, `it'sa'b\\nx'y`],
  [`'tab\\tnew\\nline\\\\'`, 'tab\tnew\nline\\'],
  [`LENGTH(b'\\x00a')`, 2],
  [`CONCAT('a', CAST(NULL AS STRING))`, null],
  [`CONCAT('a', 'b', 'c')`, 'abc'],
  [`TO_HEX(MD5('hello'))`, '5d41402abc4b2a76b9719d911017c592'],
  [`CAST(DATE_ADD(DATE '2024-01-15', INTERVAL 7 DAY) AS STRING)`, '2024-01-22'],
  [`UNIX_SECONDS(TIMESTAMP_SECONDS(1705320000))`, 1705320000],
  [
    `CAST(RANGE_END(RANGE<TIMESTAMP> '[UNBOUNDED, 2024-01-01 00:00:00 UTC)') AS STRING)`,
    '2024-01-01 00:00:00+00',
  ],
];

describe('an expression has the value that BigQuery gives it', () => {
  for (const [expression, value] of EXPRESSIONS) {
    test(expression, async () => {
      const rows = (
        await clients.bigquery.query({ query: `SELECT ${expression} AS v`, wrapIntegers: true })
      )[0];
      const got = rows[0].v;
      const plain = typeof value === 'number' ? Number(got?.value ?? got) : got;
      expect(plain).toEqual(value);
    });
  }
});

test('names of any content, reserved words among them, are found', async () => {
  const [rows] = await clients.bigquery.query(
    'SELECT t.`order` AS `select`, `a"b` AS `from` FROM `test-project.d.Wéird table` AS t ORDER BY `order`',
  );
  expect(rows).toEqual([
    { select: 1, from: 'one' },
    { select: 2, from: null },
  ]);
});

test('a NULL array is stored as an empty one, also inside a struct', async () => {
  const [rows] = await clients.bigquery.query(
    'SELECT tags, tags IS NULL AS missing, TO_JSON_STRING(rec) AS rec FROM `d.Wéird table` ORDER BY `order`',
  );
  expect(rows).toEqual([
    { tags: ['b', 'a'], missing: false, rec: '{"x":7,"ys":[{"n":"1.5"}],"none":[]}' },
    { tags: [], missing: false, rec: 'null' },
  ]);
});

test('windows, groups and CTEs run', async () => {
  const [rows] =
    await clients.bigquery.query(`WITH n AS (SELECT 1 AS a UNION ALL SELECT 1 UNION ALL SELECT 2)
    SELECT a, COUNT(*) AS c, ROW_NUMBER() OVER (ORDER BY a DESC) AS r FROM n
    GROUP BY a HAVING COUNT(*) > 0 ORDER BY a`);
  expect(rows).toEqual([
    { a: 1, c: 2, r: 2 },
    { a: 2, c: 1, r: 1 },
  ]);
});

test('UPDATE and DELETE answer how many rows they changed', async () => {
  const { google } = clients;
  await google.createTable('d', 'changing', [{ name: 'id', type: 'INT64' }]);
  await google.sql('INSERT INTO d.changing (id) SELECT n FROM UNNEST(GENERATE_ARRAY(1, 5)) AS n');
  const [job] = await clients.bigquery.createQueryJob(
    'UPDATE d.changing SET id = id + 10 WHERE id > 3',
  );
  await job.getQueryResults();
  expect((await job.getMetadata())[0].statistics.query.numDmlAffectedRows).toBe('2');
  await google.sql('DELETE FROM d.changing WHERE id < 10');
  expect(await google.sql('SELECT id FROM d.changing ORDER BY id')).toEqual([
    { id: 14n },
    { id: 15n },
  ]);
});

test('a view answers its query, and is told apart from a table', async () => {
  await clients.google.createTable('d', 'seen', [{ name: 'n', type: 'INT64' }], {
    query: 'SELECT 1 AS n FROM `test-project.d.Wéird table`',
  });
  expect((await clients.bigquery.query('SELECT COUNT(*) AS c FROM d.seen'))[0]).toEqual([{ c: 2 }]);
  expect((await clients.bigquery.dataset('d').table('seen').getMetadata())[0].type).toBe('VIEW');
});

test('what would silently come out wrong is refused', async () => {
  for (const expression of [
    "DATE_TRUNC(DATE '2024-01-01', WEEK)",
    "EXTRACT(HOUR FROM TIMESTAMP '2024-01-01 00:00:00+00' AT TIME ZONE 'Asia/Tokyo')",
    "FORMAT('%.3f', 3.14)",
    "FORMAT_TIMESTAMP('%F', TIMESTAMP '2024-01-01 00:00:00+00', 'Asia/Tokyo')",
  ]) {
    const refused = await refusal(clients.bigquery.query(`SELECT ${expression}`));
    expect(refused.message).toContain('the stand-in');
  }
});

test('a function that neither side has is named', async () => {
  expect(await refusal(clients.bigquery.query('SELECT no_such_function(1)'))).toMatchObject({
    code: 400,
    message: expect.stringMatching(/Function not found: no_such_function/i),
  });
});

test('a table without an alias that has a column of its own name means its row by that name', async () => {
  const { google } = clients;
  await google.createTable('d', 'same', [
    { name: 'same', type: 'INTEGER' },
    { name: 'other', type: 'STRING' },
  ]);
  await google.sql(`INSERT INTO d.same VALUES (1, 'x')`);
  const shown = async (expression: string, from: string) =>
    Object.values((await google.sql(`SELECT TO_JSON_STRING(${expression}) FROM ${from}`))[0] ?? {});
  expect(await shown('same', 'd.same')).toEqual(['{"same":1,"other":"x"}']);
  expect(await shown('same.same', 'd.same')).toEqual(['1']);
  expect(await shown('same', '`d.same` AS t')).toEqual(['1']);
});
