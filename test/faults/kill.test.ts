import { expect, test } from 'bun:test';
import { asksForExport, untilExporting } from '../scenarios/inspect.ts';
import { exportJobs, openScene, type Scene } from './fault-fixture.ts';

/** COMMIT as a message of its own: that of an increment, and that of a swap. */
const COMMIT = /^Q[\s\S]{4}COMMIT\0/;
const SLOW_OBJECT = { service: 'storage', path: /alt=media/ } as const;

async function splitsDone({ world }: Scene): Promise<number> {
  const { sql } = world.database;
  const there = await sql`SELECT to_regclass('sync_splits') AS splits`;
  if (there[0]?.['splits'] == null) return 0;
  const [row] = await sql`SELECT count(*)::int AS n FROM sync_splits`;
  return row?.['n'];
}

async function kill(run: ReturnType<Scene['start']>): Promise<void> {
  run.kill('SIGKILL');
  await run.outcome;
}

/** Kills a full load of four splits when the first of them are in staging, and the last cannot be read. */
async function killWhileLoading(scene: Scene): Promise<void> {
  scene.world.google.fail({
    ...SLOW_OBJECT,
    kind: 'stall',
    afterBytes: 2000,
    nth: 4,
    times: 99,
  });
  const run = scene.start();
  await scene.until(async () => (await splitsDone(scene)) > 0);
  await kill(run);
}

test('killed during the export, a run leaves a job that the next run stops', async () => {
  await using scene = await openScene();
  await kill(await scene.startLongExport());
  await scene.recover();
});

test('a job that was billed to another project is stopped there', async () => {
  await using scene = await openScene();
  const { google, start } = scene.world;
  await google.createDataset('elsewhere', { project: 'billed-before' });
  google.fail({ method: 'POST', body: /EXPORT DATA/, kind: 'delay', ms: 500 });
  const run = start(
    { 'bq-dataset': `${google.project}.source` },
    { GOOGLE_CLOUD_PROJECT: 'billed-before' },
  );
  await scene.until(async () => (await scene.status()) === 'exporting');
  google.settings.jobSeconds = 30;
  await untilExporting(scene.world);
  await kill(run);
  await scene.recover();
  expect(exportJobs(scene.world)).toBe(2);
});

test.each(['SIGKILL', 'SIGTERM'] as const)(
  'an export whose start is still on its way at a %s never begins',
  async (signal) => {
    await using scene = await openScene();
    const { google } = scene.world;
    google.fail({ method: 'POST', body: /EXPORT DATA/, kind: 'delay', ms: 3000 });
    const run = scene.start();
    const insert = () => google.requests.find(asksForExport);
    await scene.until(() => insert() !== undefined);
    run.kill(signal);
    await run.outcome;
    await scene.recover();
    expect(insert()?.status).toBeUndefined();
    await scene.until(() => insert()?.status !== undefined);
    await scene.expectRight();
    expect(exportJobs(scene.world)).toBe(1);
  },
);

test('a full load killed while loading resumes from the same export', async () => {
  await using scene = await openScene();
  await killWhileLoading(scene);
  const done = await splitsDone(scene);
  expect(done).toBeLessThan(4);
  expect(await scene.recover()).toContain('resuming its export');
  expect(exportJobs(scene.world)).toBe(1);
});

test('a full load killed among many small objects resumes after those that are loaded', async () => {
  await using scene = await openScene();
  const { google } = scene.world;
  google.settings.exportShards = 100;
  google.fail({ ...SLOW_OBJECT, kind: 'stall', afterBytes: 300, nth: 60, times: 99 });
  const run = scene.start();
  await scene.until(async () => (await splitsDone(scene)) > 20);
  await kill(run);
  expect(await splitsDone(scene)).toBeLessThan(60);
  expect(await scene.recover()).toContain('resuming its export');
  expect(exportJobs(scene.world)).toBe(1);
});

test('a session of a killed run that still writes to staging is ended, whatever its name', async () => {
  await using scene = await openScene();
  const { database } = scene.world;
  await killWhileLoading(scene);
  const lingering = await database.sql.reserve();
  await lingering.unsafe('BEGIN');
  const [staging] = await lingering`SELECT staging FROM sync_runs`;
  await lingering.unsafe(`LOCK TABLE ${staging?.['staging']} IN ROW EXCLUSIVE MODE`);
  expect(await scene.recover()).toContain('resuming its export');
});

test('a copy of the database drops its own staging table, and leaves the objects of the original', async () => {
  await using scene = await openScene();
  const { google, database } = scene.world;
  await killWhileLoading(scene);
  const objects = google.objects('test-bucket').map(({ name }) => name);
  await database.sql`UPDATE sync_runs SET database_id = 'another cluster/1'`;
  google.heal();
  expect((await scene.world.run()).exitCode).toBe(0);
  expect(google.objects('test-bucket').map(({ name }) => name)).toEqual(objects);
  const left = await database.sql`
    SELECT relname FROM pg_class WHERE relname LIKE '%staging%' UNION ALL SELECT split FROM sync_splits`;
  expect([...left]).toEqual([]);
});

test('a staging table that somebody reads is no reason to wait: it is dropped by a later run', async () => {
  await using scene = await openScene();
  const { google, database } = scene.world;
  await killWhileLoading(scene);
  const [ledger] = await database.sql`UPDATE sync_runs SET plan = 'another' RETURNING staging`;
  const dump = await database.sql.reserve();
  await dump.unsafe(`BEGIN; LOCK TABLE ${ledger?.['staging']} IN ACCESS SHARE MODE`);
  google.heal();
  const { exitCode, text } = await scene.world.run();
  expect(text).toContain('which another session holds; the next run tries again');
  expect(exitCode).toBe(0);
  await dump.unsafe('ROLLBACK');
  dump.release();
  await scene.recover();
});

test('rows that arrived after a resumed export come with the same run', async () => {
  await using scene = await openScene();
  await killWhileLoading(scene);
  await scene.addRows(10);
  const text = await scene.recover();
  expect(text).toContain('resuming its export');
  expect(text).toContain('loading the rows that came since');
});

test('an export with a missing object is not resumed', async () => {
  await using scene = await openScene();
  const { google } = scene.world;
  await killWhileLoading(scene);
  google.deleteObject('test-bucket', google.objects('test-bucket').at(-1)?.name ?? '');
  expect(await scene.recover()).toContain('ended before committing');
  expect(exportJobs(scene.world)).toBe(2);
});

for (const kind of ['a full load', 'an increment'] as const) {
  test(`killed right before the commit of ${kind}, nothing of it is seen`, async () => {
    await using scene = await openScene();
    if (kind === 'an increment') {
      await scene.recover();
      await scene.addRows(100);
    }
    const snapped = scene.proxy.trap({ when: COMMIT, what: 'hold' });
    const run = scene.start();
    await snapped;
    await kill(run);
    await scene.recover();
  });

  test(`killed between the commit of ${kind} and its watermark, it is not loaded again`, async () => {
    await using scene = await openScene();
    if (kind === 'an increment') {
      await scene.recover();
      await scene.addRows(100);
    }
    const before = exportJobs(scene.world);
    const snapped = scene.proxy.trap({ when: COMMIT, what: 'mute' });
    const run = scene.start();
    await snapped;
    await scene.until(async () => (await scene.status()) === 'committed');
    await kill(run);
    expect(await scene.recover()).toContain('setting its watermark');
    expect(exportJobs(scene.world)).toBe(before + 1);
  });
}

test('killed before its objects are deleted, a run leaves them to the next one', async () => {
  await using scene = await openScene();
  scene.world.google.fail({
    service: 'storage',
    method: 'DELETE',
    kind: 'delay',
    ms: 60_000,
    times: 99,
  });
  const run = scene.start();
  await scene.until(async () => (await scene.status()) === 'applied');
  await kill(run);
  expect(scene.world.google.objects('test-bucket')).not.toEqual([]);
  await scene.recover();
});
