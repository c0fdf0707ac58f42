import { expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { blocksOf, DEPLOYMENT, instructions, REPOSITORY } from './document.ts';

const BLOCKS = blocksOf(instructions());
const read = (name: string) => readFileSync(join(DEPLOYMENT, name), 'utf8');

test('every shell block of the instructions is shell', () => {
  expect(BLOCKS.length).toBeGreaterThan(40);
  for (const { line, shell } of BLOCKS) {
    const run = Bun.spawnSync(['bash', '-n'], { stdin: Buffer.from(shell), stderr: 'pipe' });
    expect({ line, error: run.stderr.toString() }).toEqual({ line, error: '' });
  }
});

test('every variable of the instructions is set before it is used', () => {
  const known = new Set(['HOME', 'PATH', '1', '@']);
  const unknown: string[] = [];
  for (const { shell, line } of BLOCKS) {
    for (const [, name] of shell.matchAll(/(?:^|[\s(])([A-Za-z_]+)=/gm)) known.add(name ?? '');
    for (const [, name] of shell.matchAll(/for (\w+) in/g)) known.add(name ?? '');
    for (const [, name] of shell.matchAll(/(?<!\\)\$\{?([A-Za-z_]+|\d|@)/g))
      if (!known.has(name ?? '')) unknown.push(`line ${line}: ${name}`);
  }
  expect(unknown).toEqual([]);
});

test('the alerts watch metrics that the instructions make', () => {
  const made = [...instructions().matchAll(/logging metrics create (\w+)/g)].map(
    ([, name]) => name,
  );
  const watched = ['alert-failed.json', 'alert-stale.json'].flatMap((name) => {
    JSON.parse(read(name));
    return [...read(name).matchAll(/logging\.googleapis\.com\/user\/(\w+)/g)].map(
      ([, metric]) => metric,
    );
  });
  expect([...new Set(watched)].sort()).toEqual(made.sort());
});

test('the words that the log-based metrics look for are the words that are logged', () => {
  expect(instructions()).toContain('jsonPayload.event="sync_failed"');
  expect(read('bq_to_postgres-failed@.service')).toContain('"event":"sync_failed"');
  expect(instructions()).toContain('textPayload:"bq_to_postgres stale:"');
  expect(read('sync_status.sql')).toContain("RAISE WARNING 'bq_to_postgres stale:");
});

test('the image is made of files that are there', () => {
  const copied = [...read('Dockerfile').matchAll(/^COPY (?!--from)(\S+)/gm)].map(
    ([, name]) => name ?? '',
  );
  expect(copied).toContain('postgres/each');
  for (const name of copied.filter((each) => !each.startsWith('dist/')))
    expect(existsSync(join(REPOSITORY, name))).toBe(true);
});

test('a task of a job takes the line of the list that is its own', () => {
  const folder = mkdtempSync(join(tmpdir(), 'each-'));
  const script = read('each').replace('/usr/local/bin/bq_to_postgres', '/bin/echo');
  writeFileSync(join(folder, 'each'), script);
  writeFileSync(join(folder, 'tables'), 'p.d orders orders\np.d plates lab.plates');
  const task = (environment: Record<string, string>) => {
    const env = {
      TABLES: join(folder, 'tables'),
      BQ_LOCATION: 'EU',
      PG_CONN: 'postgresql://h/d?a=1&b=2',
      GCS_BUCKET: 'b',
      ...environment,
    };
    const run = Bun.spawnSync(['/bin/sh', join(folder, 'each')], { env, stderr: 'pipe' });
    return { exitCode: run.exitCode, out: run.stdout.toString(), error: run.stderr.toString() };
  };
  const second =
    '--bq-dataset=p.d --bq-table=plates --bq-location=EU --pg-conn=postgresql://h/d?a=1&b=2 --pg-table=lab.plates --gcs-bucket=b\n';
  expect(task({ CLOUD_RUN_TASK_INDEX: '1' })).toEqual({ exitCode: 0, out: second, error: '' });
  expect(task({ BATCH_TASK_INDEX: '1' }).out).toBe(second);
  expect(task({ BATCH_TASK_INDEX: '0' }).out).toContain('--pg-table=orders');
  expect(task({ CLOUD_RUN_TASK_INDEX: '2' })).toMatchObject({ exitCode: 2, out: '' });
  expect(JSON.parse(task({ CLOUD_RUN_TASK_INDEX: '2' }).error)).toMatchObject({
    severity: 'ERROR',
  });
  expect(task({}).exitCode).not.toBe(0);
  rmSync(folder, { recursive: true });
});

/** systemd is not on every machine that develops; the long suite runs the units for real. */
const analyze = Bun.which('systemd-analyze');
test(`systemd finds nothing wrong with the units${analyze === null ? ' (skipped: no systemd-analyze)' : ''}`, () => {
  if (analyze === null) return;
  const folder = mkdtempSync(join(tmpdir(), 'units-'));
  const units = readdirSync(DEPLOYMENT).filter((name) => /\.(service|timer)$/.test(name));
  for (const name of units)
    writeFileSync(
      join(folder, name),
      read(name).replace('/usr/local/bin/bq_to_postgres', '/bin/true'),
    );
  const paths = units.map((name) => join(folder, name));
  const run = Bun.spawnSync([analyze, 'verify', '--man=no', ...paths], { stderr: 'pipe' });
  rmSync(folder, { recursive: true });
  expect({ exitCode: run.exitCode, said: run.stderr.toString() }).toEqual({
    exitCode: 0,
    said: '',
  });
});
