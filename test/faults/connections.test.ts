import { expect, test } from 'bun:test';
import { openScene } from './fault-fixture.ts';
import { COMMIT, SPLIT_COMMIT } from './statements.ts';

test('a connection that is lost while the target is resolved and locked is made again', async () => {
  await using scene = await openScene();
  const snapped = scene.proxy.trap({ when: /current_schema\(\)/, what: 'cut' });
  void scene.proxy.trap({ when: /pg_try_advisory_lock/, what: 'cut' });
  const { exitCode, text } = await scene.start().outcome;
  await snapped;
  expect({ exitCode, text }).toEqual({ exitCode: 0, text });
  await scene.expectRight();
});

test('a swap whose COMMIT got no answer is found to be done', async () => {
  await using scene = await openScene();
  void scene.proxy.trap({ when: COMMIT, what: 'cut' });
  const { exitCode, text } = await scene.start().outcome;
  expect({ exitCode, text }).toEqual({ exitCode: 0, text });
  expect(text).toContain('the connection to PostgreSQL was lost');
  await scene.expectRight();
});

test('an increment whose COMMIT got no answer is not loaded twice', async () => {
  await using scene = await openScene();
  await scene.recover();
  await scene.addRows(100);
  void scene.proxy.trap({ when: COMMIT, what: 'cut' });
  const { exitCode, text } = await scene.start().outcome;
  expect({ exitCode, text }).toEqual({ exitCode: 0, text });
  await scene.expectRight();
});

test('a split whose COMMIT got no answer is not loaded twice', async () => {
  await using scene = await openScene();
  const snapped = scene.proxy.trap({ when: SPLIT_COMMIT, what: 'cut' });
  const { exitCode, text } = await scene.start().outcome;
  await snapped;
  expect({ exitCode, text }).toEqual({ exitCode: 0, text });
  expect(text).toContain('the connection to PostgreSQL was lost');
  await scene.expectRight();
});

test('connections that are cut while rows are loaded cost only the splits in flight', async () => {
  await using scene = await openScene(40_000);
  scene.proxy.cutAfter(200_000, 3);
  const { exitCode, text } = await scene.start().outcome;
  expect({ exitCode, text }).toEqual({ exitCode: 0, text });
  expect(text).toContain('the connection to PostgreSQL was lost');
  await scene.expectRight();
});

test('a database that is away for two seconds is waited for', async () => {
  await using scene = await openScene();
  const snapped = scene.proxy.trap({ when: /COPY /, what: 'hold' });
  const run = scene.start();
  await snapped;
  scene.proxy.refuse(true);
  scene.proxy.cut();
  await Bun.sleep(2000);
  scene.proxy.refuse(false);
  expect((await run.outcome).exitCode).toBe(0);
  await scene.expectRight();
});

test('every backend of the run terminated by pg_terminate_backend, the run goes on', async () => {
  await using scene = await openScene();
  const snapped = scene.proxy.trap({ when: /COPY /, what: 'hold' });
  const run = scene.start();
  await snapped;
  await scene.world.database.sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name LIKE 'bq_to_postgres%' AND datname = current_database()`;
  scene.proxy.cut();
  expect((await run.outcome).exitCode).toBe(0);
  await scene.expectRight();
});

test('a second run on the target exits 3 at once and names the holder, in any spelling', async () => {
  await using scene = await openScene();
  const run = await scene.startLongExport();
  for (const spelling of ['target', 'public.target', 'TARGET', '"target"']) {
    const { exitCode, text } = await scene.world.run({ 'pg-table': spelling });
    expect(exitCode).toBe(3);
    expect(text).toMatch(new RegExp(`run \\S+ on host \\S+, pid ${run.pid}, since 20`));
  }
  run.kill('SIGKILL');
  await run.outcome;
  await scene.recover();
});

test('a run that lost its lock to another run commits nothing', async () => {
  await using scene = await openScene();
  await scene.recover();
  await scene.addRows(100);
  const snapped = scene.proxy.trap({ when: COMMIT, what: 'hold' });
  const first = scene.start();
  await snapped;
  scene.proxy.refuse(true);
  scene.proxy.cut();
  await first.logged('the connection to PostgreSQL was lost');
  await scene.until(async () => (await scene.world.run()).exitCode === 0);
  scene.proxy.refuse(false);
  const { exitCode, text } = await first.outcome;
  expect(exitCode).toBe(3);
  expect(text).toContain('RUN_TAKEN_OVER');
  await scene.expectRight();
});

test('a run whose staging table another run has taken away says that it was taken over', async () => {
  await using scene = await openScene();
  const snapped = scene.proxy.trap({ when: SPLIT_COMMIT, what: 'hold' });
  const first = scene.start();
  await snapped;
  scene.proxy.refuse(true);
  scene.proxy.cut();
  await first.logged('the connection to PostgreSQL was lost');
  await scene.until(async () => (await scene.world.run()).exitCode === 0);
  scene.proxy.refuse(false);
  const { exitCode, text } = await first.outcome;
  expect({ exitCode, text }).toEqual({ exitCode: 3, text });
  expect(text).toContain('RUN_TAKEN_OVER');
  await scene.expectRight();
});

test('SIGTERM while the network to PostgreSQL stalls ends the run within its bound', async () => {
  await using scene = await openScene();
  const snapped = scene.proxy.trap({ when: /COPY /, what: 'hold' });
  const run = scene.start();
  await snapped;
  scene.proxy.stall(true);
  run.kill('SIGTERM');
  expect((await run.outcome).exitCode).toBe(143);
  scene.proxy.cut();
  scene.proxy.stall(false);
  await scene.recover();
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)(
  '%s during the export stops the job and leaves nothing, exit code %i',
  async (signal, code) => {
    await using scene = await openScene();
    await scene.recover();
    await scene.addRows(100);
    const run = await scene.startLongExport();
    run.kill(signal);
    expect((await run.outcome).exitCode).toBe(code);
    expect(scene.world.google.jobs().filter(({ state }) => state !== 'DONE')).toEqual([]);
    expect(scene.world.google.objects('test-bucket')).toEqual([]);
    expect(await scene.status()).toBe('interrupted');
    await scene.recover();
  },
);
