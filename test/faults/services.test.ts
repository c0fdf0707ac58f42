import { expect, test } from 'bun:test';
import type { Fault } from '../gcp/google.ts';
import { exportJobs, openScene } from './fault-fixture.ts';

const EXPORT = { service: 'bigquery', method: 'POST', body: /EXPORT DATA/ } as const;
const OBJECT = { service: 'storage', method: 'GET', path: /alt=media/ } as const;

const PASSING: Readonly<Record<string, Fault>> = {
  '500 backendError': { ...EXPORT, kind: 'error', status: 500, reason: 'backendError' },
  '403 rateLimitExceeded': { ...EXPORT, kind: 'error', status: 403, reason: 'rateLimitExceeded' },
  '429': { ...EXPORT, kind: 'error', status: 429 },
  '503': { service: 'bigquery', kind: 'error', status: 503 },
  'a lost answer to the insert': { ...EXPORT, kind: 'drop-answer' },
  'a dropped connection': { service: 'bigquery', kind: 'drop', times: 2 },
  'a storage 503': { service: 'storage', kind: 'error', status: 503, times: 2 },
  'a body that is cut': { ...OBJECT, kind: 'cut', afterBytes: 1500, times: 3 },
};

for (const [name, fault] of Object.entries(PASSING)) {
  test(`${name} is tried again, and BigQuery exports once`, async () => {
    await using scene = await openScene();
    scene.world.google.fail(fault);
    const { exitCode, text } = await scene.start().outcome;
    expect({ exitCode, text }).toEqual({ exitCode: 0, text });
    expect(exportJobs(scene.world)).toBe(1);
    await scene.expectRight();
  });
}

test.each(['jobInternalError', 'backendError', 'rateLimitExceeded'])(
  'a job that BigQuery failed by %s is followed by another under another id',
  async (reason) => {
    await using scene = await openScene();
    scene.world.google.fail({ ...EXPORT, kind: 'job-error', reason, times: 2 });
    const { exitCode, text } = await scene.start().outcome;
    expect({ exitCode, text }).toEqual({ exitCode: 0, text });
    expect(text).toContain('exporting again by another job');
    expect(exportJobs(scene.world)).toBe(3);
    await scene.expectRight();
  },
);

test.each([
  ['quotaExceeded', 'QUOTA_EXCEEDED'],
  ['accessDenied', 'ACCESS_DENIED'],
])('%s ends the run at once, with what to do', async (reason, code) => {
  await using scene = await openScene();
  await scene.recover();
  await scene.addRows(100);
  scene.world.google.fail({ ...EXPORT, kind: 'error', status: 403, reason, times: 99 });
  const { exitCode, text } = await scene.start().outcome;
  expect(exitCode).toBe(1);
  expect(text).toContain(`"code":"${code}"`);
  expect(exportJobs(scene.world)).toBe(1);
  await scene.recover();
});

test('a token that expires is asked for anew', async () => {
  await using scene = await openScene();
  const { google } = scene.world;
  const run = await scene.startLongExport(2);
  google.expireTokens();
  const { exitCode, text } = await run.outcome;
  expect({ exitCode, text }).toEqual({ exitCode: 0, text });
  expect(google.requests.filter(({ status }) => status === 401)).not.toEqual([]);
  await scene.expectRight();
});

test('a flipped byte never becomes a value: the run fails and the target stays', async () => {
  await using scene = await openScene();
  await scene.recover();
  await scene.addRows(1000);
  scene.world.google.fail({ ...OBJECT, kind: 'flip', atByte: 3000, nth: 4, times: 99 });
  const { exitCode, text } = await scene.start().outcome;
  expect(exitCode).toBe(1);
  expect(text).toMatch(/CORRUPT_OBJECT|BAD_AVRO/);
  await scene.recover();
});

test('an object that is overwritten or deleted under the run is an error', async () => {
  await using scene = await openScene();
  const { google } = scene.world;
  google.fail({ ...OBJECT, kind: 'delay', ms: 1500, times: 99 });
  const run = scene.start();
  await scene.until(async () => (await scene.status()) === 'loading');
  for (const { name } of google.objects('test-bucket')) google.deleteObject('test-bucket', name);
  const { exitCode, text } = await run.outcome;
  expect(exitCode).toBe(1);
  expect(text).toContain('OBJECT_CHANGED');
  await scene.recover();
});
