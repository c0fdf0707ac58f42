import { expect, test } from 'bun:test';
import { openLoadedWorld, openWorld, SCHEMA, type World } from '../scenarios/fixture.ts';
import {
  asksForExport,
  exportJobs,
  ledger,
  leftovers,
  NOTHING_LEFT,
  rowsOf,
  slowExports,
  untilExporting,
} from '../scenarios/inspect.ts';
import { errorOf, runWell } from '../sources/run-well.ts';

const EXPORT = { service: 'bigquery', method: 'POST', body: /EXPORT DATA/ } as const;
const BOTH = ['(1,one,"2024-01-01 00:00:00+00")', '(2,two,"2024-01-02 00:00:00+00")'];

/** BigQuery does not know a job: the answer to whatever is asked of it. */
function unknownJob(path: RegExp, times: number) {
  const message = 'Not found: Job test-project:US.x';
  const error = { kind: 'error', status: 404, reason: 'notFound', message } as const;
  return { ...error, service: 'bigquery', path, times } as const;
}

test('a count query that takes longer than one answer is polled until it is done', async () => {
  await using world = await openLoadedWorld();
  Object.assign(world.google.settings, { jobSeconds: 1, longestPollMs: 100 });
  await runWell(world);
  const polls = world.google.requests.filter(({ path }) => path.includes('/queries/'));
  expect(polls.length).toBeGreaterThan(10);
  expect(await rowsOf(world)).toEqual(BOTH);
});

test('a count query whose start is not answered is not run twice', async () => {
  await using world = await openLoadedWorld();
  const before = world.google.jobs().length;
  world.google.fail({ service: 'bigquery', method: 'POST', kind: 'drop-answer' });
  await runWell(world);
  expect(world.google.jobs().length - before).toBe(2);
});

test.each([
  ['after an insert', []],
  ['after an insert that was answered as a duplicate', [{ ...EXPORT, kind: 'drop-answer' }]],
] as const)('a job that BigQuery does not know yet is waited for, %s', async (_when, faults) => {
  await using world = await openLoadedWorld();
  for (const fault of faults) world.google.fail(fault);
  world.google.fail(unknownJob(/\/queries\/bq_to_postgres_\d/, 3));
  const { warnings } = await runWell(world);
  expect(warnings.join()).not.toContain('Not found: Job');
  expect(exportJobs(world)).toHaveLength(2);
  expect(await rowsOf(world)).toEqual(BOTH);
});

test('a job whose end is unknown is left for the next run to clean up', async () => {
  await using world = await openLoadedWorld();
  slowExports(world);
  const running = world.start();
  await untilExporting(world);
  world.google.fail(unknownJob(/\/jobs\/bq_to_postgres_\d/, Number.POSITIVE_INFINITY));
  running.kill('SIGTERM');
  expect((await running.outcome).exitCode).toBe(143);
  expect((await ledger(world)).at(-1)).toMatchObject({ cleaned: false });
  expect(exportJobs(world).at(-1)?.state).toBe('RUNNING');
  world.google.heal();
  Object.defineProperty(world.google.settings, 'jobSeconds', { value: 0 });
  await runWell(world);
  expect(exportJobs(world).map(({ error }) => error)).toEqual([undefined, 'stopped', undefined]);
  expect(await leftovers(world)).toEqual(NOTHING_LEFT);
});

test('without rowCount the rows of an export are counted by the plan of its query', async () => {
  await using world = await openLoadedWorld();
  world.google.settings.exportStatistics = 'queryPlan';
  await runWell(world);
  expect(await rowsOf(world)).toEqual(BOTH);
});

test('rows that a policy hides from the count are warned of where nothing is new', async () => {
  await using world = await openWorld(SCHEMA, { hidden: { rows: 'id < 2' } });
  await addRow(world, 1);
  await runWell(world);
  await addRow(world, 2);
  const { summary, warnings } = await runWell(world);
  expect(summary['mode']).toBe('nothing new');
  expect(warnings).toEqual([expect.stringContaining('has row access policies')]);
});

test('the count of a table that did not change costs nothing: BigQuery has it in its cache', async () => {
  await using world = await openWorld();
  await addRow(world, 1);
  const billed = async () => {
    const before = world.google.jobs().length;
    await runWell(world);
    return world.google
      .jobs()
      .slice(before)
      .map(({ bytesBilled }) => bytesBilled > 0);
  };
  expect(await billed()).toEqual([true, true]);
  expect(await billed()).toEqual([true]);
  expect(await billed()).toEqual([false]);
});

test('the ledger has what all jobs of a run cost, and a job that failed among them', async () => {
  await using world = await openLoadedWorld();
  const before = world.google.jobs().length;
  world.google.fail({ ...EXPORT, kind: 'job-error', reason: 'backendError' });
  await runWell(world);
  const jobs = world.google.jobs().slice(before);
  expect(jobs.map(({ bytesBilled }) => bytesBilled > 0)).toEqual([true, false, true]);
  const billed = jobs.reduce((sum, { bytesBilled }) => sum + bytesBilled, 0);
  const [row] = await world.database.sql`
    SELECT bytes_billed::int, slot_ms::int FROM sync_runs ORDER BY started_at DESC LIMIT 1`;
  expect({ ...row }).toEqual({ bytes_billed: billed, slot_ms: 300 });
});

test('every job has labels for the bill', async () => {
  await using world = await openWorld();
  await addRow(world, 1);
  await runWell(world, { 'pg-table': 'public."Big Target"' });
  const inserts = world.google.requests.filter(({ path }) => path.includes('/jobs?'));
  const labels = inserts.map(({ body }) => (body as JobBody).configuration.labels);
  expect(labels).toHaveLength(2);
  expect(inserts.filter(asksForExport)).toHaveLength(1);
  const [{ run_id: run } = {}] = await ledger(world);
  const same = { application: 'bq_to_postgres', target: 'public_big_target', run };
  expect(labels).toEqual([same, same] as never);
});

interface JobBody {
  readonly configuration: { readonly labels: Readonly<Record<string, string>> };
}

async function addRow({ google }: World, id: number): Promise<void> {
  const at = `TIMESTAMP '2024-01-0${id} 00:00:00+00'`;
  await google.sql(`INSERT INTO source.rows VALUES (${id}, 'row', ${at})`);
}

test('an export that no statistic counts is counted by a query over its snapshot', async () => {
  await using world = await openLoadedWorld();
  world.google.settings.exportStatistics = 'none';
  const { exitCode, text } = await world.run();
  expect({ exitCode, text }).toEqual({ exitCode: 0, text });
  const counted = world.google
    .jobs()
    .filter(({ query }) => query.includes('FOR SYSTEM_TIME AS OF'));
  expect(counted).toHaveLength(1);
});

test('an export of a view that no statistic counts is refused: a view has no earlier state', async () => {
  await using world = await openWorld();
  const { google } = world;
  await google.createTable('source', 'seen', SCHEMA, { query: 'SELECT * FROM source.rows' });
  await addRow(world, 1);
  google.settings.exportStatistics = 'none';
  const outcome = await world.run({ 'bq-table': 'seen' });
  expect(outcome.exitCode).toBe(1);
  expect(errorOf(outcome)['code']).toBe('NO_EXPORT_STATISTICS');
});
