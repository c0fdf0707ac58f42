import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { type Clients, refusal, startClients } from './clients.ts';
import { EXPRESSIONS } from './expressions.ts';

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
