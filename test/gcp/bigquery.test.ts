import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test';
import { BigQuery } from '@google-cloud/bigquery';
import { type Clients, refusal, startClients } from './clients.ts';

let clients: Clients;

beforeAll(async () => {
  clients = await startClients();
  await clients.google.createDataset('d');
  await clients.google.createDataset('eu', { location: 'EU' });
  await clients.google.createTable('d', 't', [{ name: 'id', type: 'INTEGER' }]);
  await clients.google.createTable('eu', 't', [{ name: 'id', type: 'INTEGER' }]);
});
afterAll(() => clients[Symbol.asyncDispose]());
beforeEach(() => {
  clients.google.heal();
  clients.google.allow();
  clients.google.settings.jobSeconds = 0;
});

test('project and token come from the metadata server alone', async () => {
  expect(await new BigQuery().getProjectId()).toBe('test-project');
  await clients.bigquery.query('SELECT 1');
  const query = clients.google.requests.find(({ path }) => path.includes('/queries'));
  expect(query?.headers).toMatchObject({
    authorization: expect.stringMatching(/^Bearer test-token-/),
  });
});

test('a client that does not fill in its project is refused, as by the real service', async () => {
  // @google-cloud/common 8.2.0 encodes {{projectId}} before it would be replaced.
  expect(await refusal(new BigQuery().query('SELECT 1'))).toMatchObject({
    code: 400,
    message: expect.stringContaining("Invalid project ID '{{projectId}}'"),
  });
});

test('a request without a token is answered 401', async () => {
  const { BIGQUERY_EMULATOR_HOST: origin } = clients.google.env;
  const url = `${origin}/bigquery/v2/projects/test-project/jobs`;
  const response = await fetch(url);
  expect(response.status).toBe(401);
  expect(await response.json()).toMatchObject({
    error: { code: 401, status: 'UNAUTHENTICATED', errors: [{ reason: 'required' }] },
  });
});

test('a token that is revoked is answered 401, which the client hands on', async () => {
  await using own = await startClients();
  await own.bigquery.query('SELECT 1');
  own.google.expireTokens();
  expect(await refusal(own.bigquery.query('SELECT 1'))).toMatchObject({
    code: 401,
    reason: 'authError',
  });
  const fresh = new BigQuery({ projectId: own.google.project });
  expect((await fresh.query('SELECT 2 AS two'))[0]).toEqual([{ two: 2 }]);
});

test('every type reads through the client as it was written', async () => {
  const [rows] = await clients.bigquery.query({
    query: `SELECT 9223372036854775807 AS i, 1.5 AS f, CAST('nan' AS FLOAT64) AS nan, TRUE AS b,
      'é\\n' AS s, b'\\x00\\xff' AS y, NUMERIC '99999999999999999999999999999.999999999' AS n,
      BIGNUMERIC '578960446186580977117854925043439539266.34992332820282019728792003956564819967' AS bn,
      DATE '0001-01-01' AS d, TIME '23:59:59.999999' AS t, DATETIME '9999-12-31 23:59:59.999999' AS dt,
      TIMESTAMP '2024-01-01 00:00:00.123456+00' AS ts, JSON '{"a":[1]}' AS j,
      STRUCT(1 AS x, 'y' AS z) AS st, [1, 2] AS a, CAST(NULL AS STRING) AS nothing`,
    wrapIntegers: true,
  });
  const row = rows[0];
  expect(row.i.value).toBe('9223372036854775807');
  expect([row.f, row.nan, row.b, row.s, row.nothing]).toEqual([1.5, Number.NaN, true, 'é\n', null]);
  expect([...row.y]).toEqual([0, 255]);
  expect(row.n.toFixed()).toBe('99999999999999999999999999999.999999999');
  expect(row.bn.toFixed()).toBe(
    '578960446186580977117854925043439539266.34992332820282019728792003956564819967',
  );
  expect([row.d.value, row.t.value, row.dt.value]).toEqual([
    '0001-01-01',
    '23:59:59.999999',
    '9999-12-31T23:59:59.999999',
  ]);
  expect(row.ts.value).toBe('2024-01-01T00:00:00.123456000Z');
  expect(row.j).toBe('{"a":[1]}');
  expect([row.st.x.value, row.st.z]).toEqual(['1', 'y']);
});

test('the answer of getQueryResults has the recorded shape', async () => {
  const [job] = await clients.bigquery.createQueryJob('SELECT 42 AS answer');
  const [, , response] = await job.getQueryResults({ autoPaginate: false });
  expect(response).toMatchObject({
    kind: 'bigquery#getQueryResultsResponse',
    schema: { fields: [{ name: 'answer', type: 'INTEGER', mode: 'NULLABLE' }] },
    totalRows: '1',
    jobComplete: true,
  });
});

test('columns without a name are f0_ and f1_', async () => {
  const [rows] = await clients.bigquery.query('SELECT MAX(id), COUNT(*) FROM d.t');
  expect(rows).toEqual([{ f0_: null, f1_: 0 }]);
});

test('results are read a page at a time', async () => {
  const query = 'SELECT n FROM UNNEST(GENERATE_ARRAY(1, 25)) AS n ORDER BY n';
  const before = clients.google.requests.length;
  const [rows] = await clients.bigquery.query({ query, maxResults: 10 });
  expect(rows.map((row: { n: number }) => row.n)).toEqual(
    Array.from({ length: 25 }, (_, at) => at + 1),
  );
  expect(clients.google.requests.length - before).toBeGreaterThan(1);
});

test('a table that is missing is 404 notFound, with its location', async () => {
  expect(await refusal(clients.bigquery.query('SELECT 1 FROM d.nope'))).toEqual({
    code: 404,
    reason: 'notFound',
    message: 'Not found: Table test-project:d.nope was not found in location US',
  });
  expect(await refusal(clients.bigquery.query('SELECT 1 FROM `nope.t`'))).toMatchObject({
    message: 'Not found: Dataset test-project:nope was not found in location US',
  });
});

test('a table that is dropped while it is described or read is there, or 404 notFound', async () => {
  const { google, bigquery } = clients;
  const schema = [{ name: 'id', type: 'INTEGER' }];
  const answers = await Promise.all(
    Array.from({ length: 60 }, async (_, at) => {
      await google.createTable('d', `brief${at}`, schema);
      const asked = [
        bigquery.dataset('d').table(`brief${at}`).getMetadata(),
        bigquery.query(`SELECT id FROM d.brief${at}`),
      ].map((answer) =>
        answer.then(
          () => 'there',
          ({ code, errors }) => [code, errors[0].reason],
        ),
      );
      await Bun.sleep(at / 2);
      await google.dropTable('d', `brief${at}`);
      return await Promise.all(asked);
    }),
  );
  const others = answers.flat().filter((answer) => answer !== 'there' && answer[1] !== 'notFound');
  expect(others).toEqual([]);
  expect(answers.flat()).toContainEqual([404, 'notFound']);
});

test('a dataset of another location is not found', async () => {
  const query = 'SELECT 1 FROM `test-project.eu.t`';
  expect(await refusal(clients.bigquery.query({ query, location: 'US' }))).toMatchObject({
    code: 404,
    message: 'Not found: Dataset test-project:eu was not found in location US',
  });
  expect(await clients.bigquery.query({ query, location: 'EU' })).toBeArray();
});

test('what is not SQL, or names no column, is 400 invalidQuery', async () => {
  expect(await refusal(clients.bigquery.query('SLECT 1'))).toMatchObject({
    code: 400,
    reason: 'invalidQuery',
    message: expect.stringContaining('Syntax error'),
  });
  expect(await refusal(clients.bigquery.query('SELECT nope FROM d.t'))).toMatchObject({
    code: 400,
    reason: 'invalidQuery',
    message: expect.stringContaining('Unrecognized name: nope'),
  });
});

test('ERROR fails the job with its own text', async () => {
  const [job] = await clients.bigquery.createQueryJob(
    "SELECT IF(n = 2, ERROR('no twos'), n) FROM UNNEST([1, 2]) AS n",
  );
  expect(await refusal(job.getQueryResults())).toMatchObject({
    code: 400,
    message: expect.stringContaining('no twos'),
  });
  const [metadata] = await job.getMetadata();
  expect(metadata.status).toMatchObject({
    state: 'DONE',
    errorResult: { reason: 'invalidQuery', message: 'no twos' },
  });
});

test('a repeated job id is 409 duplicate, and the first job stands', async () => {
  const job = { query: 'SELECT 1 AS one', jobId: 'same-id', location: 'US' };
  await clients.bigquery.createQueryJob(job);
  expect(await refusal(clients.bigquery.createQueryJob(job))).toEqual({
    code: 409,
    reason: 'duplicate',
    message: 'Already Exists: Job test-project:US.same-id',
  });
  const [rows] = await clients.bigquery.job('same-id', { location: 'US' }).getQueryResults();
  expect(rows).toEqual([{ one: 1 }]);
});

test('two inserts of one job id at once make one job', async () => {
  const job = { query: 'SELECT 1', jobId: 'raced', location: 'US' };
  const inserts = await Promise.allSettled(
    [1, 2, 3].map(() => clients.bigquery.createQueryJob(job)),
  );
  expect(inserts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

test('a job runs for jobSeconds, is polled, and can be cancelled', async () => {
  clients.google.settings.jobSeconds = 60;
  const [job] = await clients.bigquery.createQueryJob('SELECT 1');
  const [running] = await job.getMetadata();
  expect(running.status.state).toBe('RUNNING');
  const [, , early] = await job
    .getQueryResults({ autoPaginate: false, timeoutMs: 0 })
    .catch(() => [[], null, null]);
  expect(early ?? { jobComplete: false }).toMatchObject({ jobComplete: false });
  await job.cancel();
  await refusal(job.getQueryResults());
  const [cancelled] = await job.getMetadata();
  expect(cancelled.status).toMatchObject({ state: 'DONE', errorResult: { reason: 'stopped' } });
});

test('a job outside of the multi-regions is found by its location alone', async () => {
  await clients.google.createDataset('iowa', { location: 'us-central1' });
  const [job] = await clients.bigquery.createQueryJob({
    query: 'SELECT 1',
    location: 'us-central1',
  });
  expect(await refusal(clients.bigquery.job(String(job.id)).getMetadata())).toMatchObject({
    code: 404,
  });
  const [metadata] = await clients.bigquery
    .job(String(job.id), { location: 'us-central1' })
    .getMetadata();
  expect(metadata.jobReference?.location).toBe('us-central1');
});

test('tables.get answers schema, rows, location, partitioning and a new etag after a change', async () => {
  await clients.google.createTable(
    'd',
    'full',
    [
      { name: 'a', type: 'INT64', mode: 'REQUIRED', description: 'the key' },
      {
        name: 's',
        type: 'STRUCT',
        fields: [{ name: 'n', type: 'NUMERIC', precision: '10', scale: '2' }],
      },
      { name: 'day', type: 'DATE' },
    ],
    { timePartitioning: { type: 'DAY', field: 'day' }, description: 'a table' },
  );
  const table = clients.bigquery.dataset('d').table('full');
  const [before] = await table.getMetadata();
  expect(before).toMatchObject({
    kind: 'bigquery#table',
    id: 'test-project:d.full',
    type: 'TABLE',
    location: 'US',
    numRows: '0',
    description: 'a table',
    timePartitioning: { type: 'DAY', field: 'day' },
    schema: {
      fields: [
        { name: 'a', type: 'INTEGER', mode: 'REQUIRED', description: 'the key' },
        {
          name: 's',
          type: 'RECORD',
          fields: [{ name: 'n', type: 'NUMERIC', precision: '10', scale: '2' }],
        },
        { name: 'day', type: 'DATE' },
      ],
    },
  });
  await clients.google.sql(
    "INSERT INTO `d.full` (a, s, day) VALUES (1, STRUCT(NUMERIC '1.25'), DATE '2024-01-01')",
  );
  const [after] = await table.getMetadata();
  expect(after.numRows).toBe('1');
  expect(after.etag).not.toBe(before.etag);
});

test('what the discovery document does not know is 400', async () => {
  const { bigquery } = clients;
  const [job] = await bigquery.createQueryJob('SELECT 1');
  expect(await refusal(job.getQueryResults({ skipParsing: true }))).toMatchObject({
    code: 400,
    message: expect.stringContaining("Field 'skipParsing' could not be found in request message"),
  });
  const configuration = { query: { query: 'SELECT 1', useLegacySql: false, quiet: true } };
  expect(await refusal(bigquery.createJob({ configuration }))).toMatchObject({
    code: 400,
    message: expect.stringContaining(`"quiet" at 'configuration.query': Cannot find field`),
  });
});

test('the same query is answered from the cache until its table changes', async () => {
  const { bigquery, google } = clients;
  const query = 'SELECT COUNT(*) AS n FROM d.t WHERE id > 1000';
  const statistics = async () => {
    const [job] = await bigquery.createQueryJob(query);
    await job.getQueryResults();
    const [metadata] = await job.getMetadata();
    const { cacheHit, totalBytesBilled } = metadata.statistics?.query ?? {};
    return { cacheHit, totalBytesBilled };
  };
  const billed = { cacheHit: false, totalBytesBilled: String(10 * 1024 * 1024) };
  expect(await statistics()).toEqual(billed);
  expect(await statistics()).toEqual({ cacheHit: true, totalBytesBilled: '0' });
  await google.sql('INSERT INTO d.t (id) VALUES (1)');
  expect(await statistics()).toEqual(billed);
});

test('a table, a dataset and a permission that are missing each have their own message', async () => {
  const { bigquery, google } = clients;
  expect(await refusal(bigquery.dataset('d').table('nope').getMetadata())).toMatchObject({
    code: 404,
    message: 'Not found: Table test-project:d.nope',
  });
  expect(await refusal(bigquery.dataset('nope').table('t').getMetadata())).toMatchObject({
    code: 404,
    message: 'Not found: Dataset test-project:nope',
  });
  google.deny('bigquery.tables.get', 'bigquery.jobs.create');
  expect(await refusal(bigquery.dataset('d').table('t').getMetadata())).toMatchObject({
    code: 403,
    reason: 'accessDenied',
  });
  expect(await refusal(bigquery.query('SELECT 1'))).toMatchObject({
    code: 403,
    message: expect.stringContaining('bigquery.jobs.create permission in project test-project'),
  });
});

test('a table that requires a partition filter refuses a query without one', async () => {
  await clients.google.createTable('d', 'parted', [{ name: 'ts', type: 'TIMESTAMP' }], {
    timePartitioning: { type: 'DAY', field: 'ts' },
    requirePartitionFilter: true,
  });
  expect(await refusal(clients.bigquery.query('SELECT COUNT(*) FROM d.parted'))).toMatchObject({
    code: 400,
    message: expect.stringContaining('without a filter over column(s)'),
  });
  const filtered = "SELECT COUNT(*) AS n FROM d.parted WHERE ts > TIMESTAMP '2020-01-01 UTC'";
  expect((await clients.bigquery.query(filtered))[0]).toEqual([{ n: 0 }]);
});
