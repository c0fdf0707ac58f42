import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test';
import { Readable } from 'node:stream';
import avro from 'avsc';
import { type Clients, exportRows, refusal, startClients } from './clients.ts';

let clients: Clients;
let run = 0;
let prefix: string;

beforeAll(async () => {
  clients = await startClients();
  const { google } = clients;
  await google.createDataset('d');
  await google.createDataset('eu', { location: 'EU' });
  google.createBucket('b');
  google.createBucket('b-eu', { location: 'EU' });
  google.createBucket('b-tokyo', { location: 'asia-northeast1' });
  const id = { name: 'id', type: 'INTEGER', mode: 'REQUIRED' } as const;
  await google.createTable('d', 't', [id, { name: 'arr', type: 'INTEGER', mode: 'REPEATED' }]);
  await google.createTable('eu', 't', [id]);
  await google.sql(`INSERT INTO d.t (id, arr) SELECT n, IF(n = 1, NULL, [n, n + 1])
    FROM UNNEST(GENERATE_ARRAY(1, 1000)) AS n`);
});
afterAll(() => clients[Symbol.asyncDispose]());
beforeEach(() => {
  run += 1;
  prefix = `bq_to_postgres/${run}`;
  Object.assign(clients.google.settings, {
    exportShards: 2,
    exportBlockBytes: 65_536,
  });
  clients.google.allow();
  clients.google.heal();
});

const bigLong = avro.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(value);
    return bytes;
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (one: bigint, other: bigint) => (one === other ? 0 : one < other ? -1 : 1),
});

interface Decoded {
  readonly schema: {
    readonly name: string;
    readonly fields: readonly { name: string; type: unknown }[];
  };
  readonly codec: string;
  readonly rows: readonly Record<string, unknown>[];
}

/** Reads an object with a reader that shares nothing with the writer. */
async function decode(bytes: Buffer): Promise<Decoded> {
  const schemas: Decoded['schema'][] = [];
  const codecs: string[] = [];
  const decoder = new avro.streams.BlockDecoder({
    parseHook: (schema) => {
      schemas.push(schema as unknown as Decoded['schema']);
      return avro.Type.forSchema(schema, { registry: { long: bigLong } });
    },
  });
  decoder.on('metadata', (_type: unknown, codec: string) => codecs.push(codec));
  const rows: Record<string, unknown>[] = [];
  for await (const row of Readable.from([bytes], { objectMode: false }).pipe(decoder)) {
    rows.push({ ...(row as Record<string, unknown>) });
  }
  const [schema] = schemas;
  if (schema === undefined) throw new Error('no schema');
  return { schema, codec: codecs[0] ?? '', rows };
}

async function decodeAll(bucket: string, under: string): Promise<readonly Decoded[]> {
  const objects = clients.google.objects(bucket).filter(({ name }) => name.startsWith(under));
  return await Promise.all(
    objects.map(({ name }) => decode(clients.google.readObject(bucket, name) as Buffer)),
  );
}

test('rows are dealt to shards named by number, and counted as text', async () => {
  clients.google.settings.exportShards = 3;
  const job = await exportRows(clients.bigquery, 'b', prefix, 'SELECT id AS c0 FROM d.t');
  expect(job.statistics.query).toMatchObject({
    statementType: 'EXPORT_DATA',
    exportDataStatistics: { fileCount: '3', rowCount: '1000' },
  });
  expect(
    clients.google
      .objects('b')
      .filter(({ name }) => name.startsWith(prefix))
      .map(({ name }) => name),
  ).toEqual([
    `${prefix}/000000000000.avro`,
    `${prefix}/000000000001.avro`,
    `${prefix}/000000000002.avro`,
  ]);
  const files = await decodeAll('b', prefix);
  const ids = files.flatMap(({ rows }) => rows.map(({ c0 }) => Number(c0)));
  expect(ids.sort((one, other) => one - other)).toEqual(
    Array.from({ length: 1000 }, (_, at) => at + 1),
  );
});

test('five Avro types carry the values exactly, NULL by the union', async () => {
  clients.google.settings.exportShards = 1;
  const select = `SELECT * FROM (
    SELECT 1 AS n, 9223372036854775807 AS c0, -0.0 AS c1, TRUE AS c2, b'\\x00\\xff' AS c3, 'é🙂' AS c4, [1, -2] AS c5 UNION ALL
    SELECT 2, -9223372036854775807 - 1, CAST('nan' AS FLOAT64), FALSE, b'', '', [] UNION ALL
    SELECT 3, 4503599627370496, CAST('-inf' AS FLOAT64), NULL, NULL, NULL, NULL UNION ALL
    SELECT 4, NULL, NULL, NULL, NULL, NULL, NULL) ORDER BY n`;
  await exportRows(clients.bigquery, 'b', prefix, select);
  const [file] = await decodeAll('b', prefix);
  expect(file?.schema).toMatchObject({
    name: 'Root',
    fields: [
      { name: 'n', type: ['null', 'long'] },
      { name: 'c0', type: ['null', 'long'] },
      { name: 'c1', type: ['null', 'double'] },
      { name: 'c2', type: ['null', 'boolean'] },
      { name: 'c3', type: ['null', 'bytes'] },
      { name: 'c4', type: ['null', 'string'] },
      { name: 'c5', type: { type: 'array', items: 'long' } },
    ],
  });
  expect(file?.rows.map(({ c0 }) => c0)).toEqual([
    9223372036854775807n,
    -9223372036854775808n,
    4503599627370496n,
    null,
  ]);
  expect(file?.rows.map(({ c1 }) => c1)).toEqual([-0, Number.NaN, Number.NEGATIVE_INFINITY, null]);
  expect(file?.rows.map(({ c2 }) => c2)).toEqual([true, false, null, null]);
  expect(file?.rows.map(({ c3 }) => (c3 === null ? null : [...(c3 as Buffer)]))).toEqual([
    [0, 255],
    [],
    null,
    null,
  ]);
  expect(file?.rows.map(({ c4 }) => c4)).toEqual(['é🙂', '', null, null]);
  expect(file?.rows.map(({ c5 }) => c5)).toEqual([[1n, -2n], [], [], []]);
});

test('the other types come as BigQuery exports them', async () => {
  const select = `SELECT TIMESTAMP '1970-01-01 00:00:01+00' AS ts, DATE '2024-01-01' AS d, NUMERIC '-1.5' AS n,
    BIGNUMERIC '1.5' AS bn, JSON '{"a":1}' AS j, STRUCT(1 AS x, ['y'] AS z) AS s, DATETIME '2024-01-01 00:00:00' AS dt`;
  await exportRows(clients.bigquery, 'b', prefix, select);
  const [file] = await decodeAll('b', prefix);
  expect(file?.schema.fields.map(({ type }) => type)).toMatchObject([
    ['null', { type: 'long', logicalType: 'timestamp-micros' }],
    ['null', { type: 'string', sqlType: 'DATE' }],
    ['null', { type: 'bytes', logicalType: 'decimal', precision: 38, scale: 9 }],
    ['null', { type: 'bytes', logicalType: 'decimal', precision: 77, scale: 38 }],
    ['null', { type: 'string', sqlType: 'JSON' }],
    ['null', { type: 'record', fields: [{ name: 'x' }, { name: 'z' }] }],
    ['null', { type: 'string', sqlType: 'DATETIME' }],
  ]);
  const row = file?.rows[0];
  expect(row).toMatchObject({
    ts: 1000000,
    d: '2024-01-01',
    j: '{"a":1}',
    dt: '2024-01-01 00:00:00',
  });
  const { n } = row as { n: Buffer };
  expect(BigInt(n.readInt32BE())).toBe(-1_500_000_000n);
});

test('blocks end at exportBlockBytes', async () => {
  Object.assign(clients.google.settings, { exportShards: 1, exportBlockBytes: 100 });
  const select = "SELECT id AS c0, REPEAT('x', 20) AS c1 FROM d.t";
  await exportRows(clients.bigquery, 'b', prefix, select);
  expect((await decodeAll('b', prefix))[0]?.codec).toBe('null');
  const bytes = clients.google.readObject('b', `${prefix}/000000000000.avro`) as Buffer;
  const sync = bytes.subarray(-16);
  let blocks = -1;
  for (let at = bytes.indexOf(sync); at >= 0; at = bytes.indexOf(sync, at + 16)) blocks += 1;
  expect(blocks).toBeGreaterThan(200);
});

test('an empty result still writes one object, without blocks', async () => {
  const job = await exportRows(
    clients.bigquery,
    'b',
    prefix,
    'SELECT id AS c0 FROM d.t WHERE FALSE',
  );
  expect(job.statistics.query.exportDataStatistics).toEqual({ fileCount: '1', rowCount: '0' });
  expect((await decodeAll('b', prefix)).map(({ rows }) => rows)).toEqual([[]]);
});

test('an array that holds a NULL fails the export', async () => {
  const select = 'SELECT [1, CAST(NULL AS INT64)] AS c0';
  expect(await refusal(exportRows(clients.bigquery, 'b', prefix, select))).toMatchObject({
    code: 400,
    message: expect.stringContaining('Array cannot have a null element; error in writing field c0'),
  });
  expect(await decodeAll('b', prefix)).toEqual([]);
});

test('objects that are there already are kept', async () => {
  await exportRows(clients.bigquery, 'b', prefix, 'SELECT 1 AS c0');
  expect(await refusal(exportRows(clients.bigquery, 'b', prefix, 'SELECT 2 AS c0'))).toMatchObject({
    code: 400,
    reason: 'invalid',
  });
  expect((await decodeAll('b', prefix)).map(({ rows }) => rows)).toEqual([[{ c0: 1n }]]);
});

test('a bucket that is missing or not ours fails the job, each with its reason; one elsewhere does not', async () => {
  const { bigquery, google } = clients;
  const select = 'SELECT id AS c0 FROM';
  expect(await refusal(exportRows(bigquery, 'nowhere', prefix, `${select} d.t`))).toMatchObject({
    code: 404,
    reason: 'notFound',
  });
  await exportRows(bigquery, 'b-tokyo', prefix, `${select} eu.t`);
  expect(await decodeAll('b-tokyo', prefix)).toHaveLength(1);
  google.deny('storage.objects.create');
  expect(await refusal(exportRows(bigquery, 'b', prefix, `${select} d.t`))).toMatchObject({
    code: 403,
    reason: 'accessDenied',
  });
});

test('a statement with bad options is refused when it is inserted', async () => {
  const start = (options: string) =>
    refusal(clients.bigquery.createQueryJob(`EXPORT DATA OPTIONS(${options}) AS SELECT 1 AS c0`));
  expect(await start("format='AVRO'")).toMatchObject({
    code: 400,
    message: "Option 'uri' is missing or empty.",
  });
  expect(await start("uri='gs://b/x*', format='ORC'")).toMatchObject({
    message: "'ORC' is not a valid value; failed to set 'format' in EXPORT DATA OPTIONS",
  });
  expect(await start("uri='gs://b/x.avro', format='AVRO'")).toMatchObject({ code: 400 });
});

test('objects appear when the job is done, and not at all when it is cancelled', async () => {
  clients.google.settings.jobSeconds = 60;
  const uri = `gs://b/${prefix}/*.avro`;
  const [job] = await clients.bigquery.createQueryJob(
    `EXPORT DATA OPTIONS(uri='${uri}', format='AVRO') AS SELECT 1 AS c0`,
  );
  await job.cancel();
  clients.google.settings.jobSeconds = 0;
  await refusal(job.getQueryResults());
  expect(await decodeAll('b', prefix)).toEqual([]);
});
