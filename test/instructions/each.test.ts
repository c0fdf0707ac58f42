import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEPLOYMENT } from './document.ts';

/** In the place of the program: it notes its arguments, and ends as the target's name says. */
const PROGRAM = `#!/bin/sh
for word do case $word in --pg-table=*) target=\${word#*=} ;; esac; done
printf '%s\\n' "$*" >>"$NOTES"
case $target in
  fails) exit 1 ;;
  busy) exit 3 ;;
  killed) kill -KILL $$ ;;
  lasts) exec '${process.execPath}' "\${0%/*}/lasts.ts" ;;
esac
`;

/** A run that cleans up when it is told to stop, also where it was started with the signal ignored. */
const LASTS = `
process.on('SIGTERM', async () => {
  await Bun.sleep(300);
  require('node:fs').appendFileSync(process.env['NOTES'], 'cleaned up\\n');
  process.exit(143);
});
setInterval(() => undefined, 1000);
console.log('started');
`;

let folder: string;
const place = (name: string) => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'each-'));
  writeFileSync(place('program'), PROGRAM, { mode: 0o755 });
  writeFileSync(place('lasts.ts'), LASTS);
  const script = readFileSync(join(DEPLOYMENT, 'each'), 'utf8');
  const changed = script.replace('/usr/local/bin/bq_to_postgres', place('program'));
  writeFileSync(place('each'), changed, { mode: 0o755 });
});
beforeEach(() => writeFileSync(place('notes'), ''));
afterAll(() => rmSync(folder, { recursive: true }));

function start(list: string, environment: Readonly<Record<string, string>> = {}) {
  writeFileSync(place('tables'), list);
  return Bun.spawn([place('each')], {
    env: {
      PATH: process.env['PATH'] ?? '',
      NOTES: place('notes'),
      TABLES: place('tables'),
      BQ_LOCATION: 'EU',
      PG_CONN: 'postgresql://h/d?a=1&b=2',
      GCS_BUCKET: 'b',
      ...environment,
    },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  });
}

async function run(list: string, environment: Readonly<Record<string, string>> = {}) {
  const child = start(list, environment);
  const errors = await new Response(child.stderr).text();
  return { exitCode: await child.exited, errors, targets: targets() };
}

const notes = () => readFileSync(place('notes'), 'utf8');
const targets = () => [...notes().matchAll(/--pg-table=(.*) --gcs/g)].map(([, target]) => target);
const named = (errors: string) =>
  errors
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, string>);

test('every table of the list is synced with its own words, and remarks are none', async () => {
  const list = '# ours\np.d orders orders\n\np.d plates "My Plates"\np.e wells lab.wells';
  const { exitCode, errors } = await run(list, { AT_ONCE: '1' });
  expect({ exitCode, errors }).toEqual({ exitCode: 0, errors: '' });
  expect(notes()).toBe(
    [
      ['p.d', 'orders', 'orders'],
      ['p.d', 'plates', '"My Plates"'],
      ['p.e', 'wells', 'lab.wells'],
    ]
      .map(
        ([dataset, table, target]) =>
          `--bq-dataset=${dataset} --bq-table=${table} --bq-location=EU ` +
          `--pg-conn=postgresql://h/d?a=1&b=2 --pg-table=${target} --gcs-bucket=b\n`,
      )
      .join(''),
  );
});

test('a table that fails or is killed is named, stops no other, and makes the exit code 1', async () => {
  const list = 'd a fails\nd a killed\nd a one\nd a busy\nd a two\nd only-two\n';
  const { exitCode, errors, targets } = await run(list, { AT_ONCE: '2' });
  expect(exitCode).toBe(1);
  expect(targets.toSorted()).toEqual(['', 'busy', 'fails', 'killed', 'one', 'two']);
  expect(named(errors)).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ event: 'sync_failed', table: 'fails', status: '1' }),
      expect.objectContaining({ event: 'sync_failed', table: 'killed', status: '137' }),
    ]),
  );
  expect(named(errors)).toHaveLength(2);
});

test('a table that another run holds has not failed', async () => {
  expect(await run('d a busy\nd a one\n')).toMatchObject({ exitCode: 0, errors: '' });
});

test('the name of a table that fails is JSON, whatever it holds', async () => {
  writeFileSync(place('program-that-fails'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  const script = readFileSync(place('each'), 'utf8');
  const failing = script.replace(place('program'), place('program-that-fails'));
  writeFileSync(place('each-fails'), failing, { mode: 0o755 });
  writeFileSync(place('tables'), 'd a "a\\b ""ü"""\n');
  const child = Bun.spawn([place('each-fails')], {
    env: { ...process.env, TABLES: place('tables'), BQ_LOCATION: '', PG_CONN: '', GCS_BUCKET: '' },
    stderr: 'pipe',
  });
  const errors = await new Response(child.stderr).text();
  expect(named(errors)).toMatchObject([{ table: '"a\\b ""ü"""' }]);
});

test.each(['CLOUD_RUN', 'BATCH'])('the tasks of a job of %s share the lines', async (job) => {
  const list = 'd a one\nd a fails\nd a two\nd a three\nd a four';
  const task = async (index: number) => {
    writeFileSync(place('notes'), '');
    const given = { [`${job}_TASK_INDEX`]: String(index), [`${job}_TASK_COUNT`]: '2' };
    const { exitCode, targets } = await run(list, given);
    return { exitCode, targets };
  };
  expect(await task(0)).toEqual({ exitCode: 0, targets: ['one', 'two', 'four'] });
  expect(await task(1)).toEqual({ exitCode: 1, targets: ['fails', 'three'] });
});

test('a task that is told to stop lets its run clean up, and begins no other', async () => {
  const child = start('d a lasts\nd a one\n', {
    CLOUD_RUN_TASK_INDEX: '0',
    CLOUD_RUN_TASK_COUNT: '1',
  });
  await child.stdout.getReader().read();
  child.kill('SIGTERM');
  expect(await child.exited).toBe(143);
  expect(notes()).toEndWith('cleaned up\n');
  expect(targets()).toEqual(['lasts']);
});

test('a pass whose runs are told to stop begins no other, and waits for them', async () => {
  const child = start('d a lasts\nd a one\n', { AT_ONCE: '1' });
  await child.stdout.getReader().read();
  // As systemd does: the signal goes to each process of the unit.
  const all = processesOf(child.pid);
  for (const pid of all) process.kill(pid, 'SIGTERM');
  expect(await child.exited).toBe(143);
  expect(notes()).toEndWith('cleaned up\n');
  expect(targets()).toEqual(['lasts']);
});

function processesOf(pid: number): readonly number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  const below = children === '' ? [] : children.split(' ').flatMap((each) => processesOf(+each));
  return [pid, ...below];
}

test('a list that is not there is a failure', async () => {
  rmSync(place('tables'), { force: true });
  const child = Bun.spawn([place('each')], {
    env: { ...process.env, TABLES: place('nowhere') },
    stderr: 'pipe',
  });
  const errors = await new Response(child.stderr).text();
  expect(await child.exited).toBe(2);
  expect(named(errors)).toMatchObject([{ event: 'sync_failed' }]);
});
