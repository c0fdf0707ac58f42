import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openScene, type Scene } from '../faults/fault-fixture.ts';
import { BUCKET } from '../scenarios/fixture.ts';
import { sharedPostgres } from '../server/shared.ts';
import { builtProgram } from '../tools/built-program.ts';
import { at, type Json, text } from './cloud/cloud.ts';
import { DEPLOYMENT, instructions } from './document.ts';
import { extract, type LogEntry, matches } from './logging-filter.ts';

/**
 * The filters and extractors of the log-based metrics, and the conditions of the alerts on them, against
 * lines that the program, the shell that runs it and PostgreSQL really wrote.
 */
setDefaultTimeout(120_000);

const MONITORING = join(DEPLOYMENT, 'monitoring');
const json = (name: string) => JSON.parse(readFileSync(join(MONITORING, name), 'utf8')) as Json;
const named = (prefix: string) =>
  readdirSync(MONITORING)
    .map((name) => new RegExp(`^${prefix}-([\\w-]+)\\.json$`).exec(name)?.[1])
    .filter((name) => name !== undefined);

let folder: string;
let scene: Scene;
let lines: readonly string[];
let databaseLog: readonly string[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'alerts-'));
  scene = await openScene();
  const { world } = scene;
  const first = await runEach('source rows other\nsource no_such_table lost');
  const second = await runEach('source rows other');
  const long = await scene.startLongExport();
  const busy = await runEach('source rows target');
  long.kill('SIGKILL');
  await long.outcome;
  lines = [...first, ...second, ...busy];
  const { sql } = world.database;
  await sql.unsafe(readFileSync(join(DEPLOYMENT, 'sync_status.sql'), 'utf8'));
  await sql.unsafe(`UPDATE sync_runs SET started_at = started_at - interval '25 hours',
    finished_at = finished_at - interval '25 hours' WHERE table_name <> 'other'`);
  await sql.unsafe('SELECT check_tables()');
  const log = await (await sharedPostgres()).log();
  databaseLog = log.split('\n').filter((line) => line.includes('bq_to_postgres'));
});
afterAll(async () => {
  await scene[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

/** What the list's runs write, and the shell that starts them. */
async function runEach(list: string): Promise<readonly string[]> {
  const script = readFileSync(join(DEPLOYMENT, 'each'), 'utf8');
  const own = script.replace('/usr/local/bin/bq_to_postgres', await builtProgram());
  writeFileSync(join(folder, 'each'), own, { mode: 0o755 });
  writeFileSync(join(folder, 'tables.txt'), list);
  const child = Bun.spawn([join(folder, 'each')], {
    env: {
      ...scene.world.google.env,
      PATH: process.env['PATH'],
      TABLES: join(folder, 'tables.txt'),
      BQ_LOCATION: 'US',
      PG_CONN: scene.world.database.uri,
      GCS_BUCKET: BUCKET,
    },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [out, errors] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return `${out}${errors}`.split('\n').filter((line) => line.startsWith('{'));
}

/** The line that systemd writes for a unit that failed, as its file has it. */
function unitLine(): string {
  const unit = readFileSync(join(DEPLOYMENT, 'bq_to_postgres-failed@.service'), 'utf8');
  const [, line = ''] = /^ExecStart=\/bin\/echo '(.*)'$/m.exec(unit) ?? [];
  return line
    .replaceAll('%i', 'orders')
    .replace(/\$\{MONITOR_SERVICE_RESULT\}/, 'oom-kill')
    .replace(/\$\{MONITOR_EXIT_STATUS\}/, 'KILL');
}

/** A line of JSON on an output, as the log of `resource` keeps it. */
function structured(line: string, type: string): LogEntry {
  const { severity, ...payload } = JSON.parse(line);
  const logName = 'projects/p/logs/stdout';
  return { logName, resource: { type }, severity: severity ?? 'DEFAULT', jsonPayload: payload };
}

function fromDatabase(line: string): LogEntry {
  const logName = 'projects/p/logs/cloudsql.googleapis.com%2Fpostgres.log';
  return { logName, resource: { type: 'cloudsql_database' }, severity: 'INFO', textPayload: line };
}

/** The labels of every entry that a metric counts, and the value, where it takes one. */
function counted(metric: string, entries: readonly LogEntry[]): readonly Json[] {
  const { filter, labelExtractors, valueExtractor } = json(`metric-${metric}.json`);
  return entries
    .filter((entry) => matches(String(filter), entry))
    .map((entry) => ({
      ...Object.fromEntries(
        Object.entries(labelExtractors as Json).map(([label, extractor]) => [
          label,
          extract(String(extractor), entry),
        ]),
      ),
      ...(valueExtractor !== undefined && {
        value: Number(extract(text({ valueExtractor }, 'valueExtractor'), entry)),
      }),
    }));
}

/** The tables for which an alert fires: each of its conditions takes a metric's points by labels. */
function fires(alert: string, entries: readonly LogEntry[]): readonly string[] {
  const conditions = at(json(`alert-${alert}.json`), 'conditions') as readonly Json[];
  const tables = conditions.flatMap((condition) => {
    const filter = text(condition, 'conditionThreshold', 'filter');
    const [, type] = /resource\.type = "([^"]+)"/.exec(filter) ?? [];
    const [, metric = ''] =
      /logging\.googleapis\.com\/user\/bq_to_postgres_(\w+)/.exec(filter) ?? [];
    const [, problem] = /metric\.label\.problem = "([^"]+)"/.exec(filter) ?? [];
    return counted(
      metric,
      entries.filter((entry) => entry.resource.type === type),
    )
      .filter((labels) => problem === undefined || labels['problem'] === problem)
      .map((labels) => text(labels, 'table'));
  });
  return [...new Set(tables)].sort();
}

test.each(['gce_instance', 'cloud_run_job', 'batch.googleapis.com/Job'])(
  'the failed table is told by name, and no other, from the lines of a %s',
  (type) => {
    const entries = lines.map((line) => structured(line, type));
    expect(entries.length).toBeGreaterThan(8);
    expect(fires('failed', entries)).toEqual(['lost']);
  },
);

test('a unit that failed is told, and so is a container of Cloud Run that was killed', () => {
  expect(fires('failed', [structured(unitLine(), 'gce_instance')])).toEqual(['orders']);
  const killed: LogEntry = {
    logName: 'projects/p/logs/run.googleapis.com%2Fvarlog%2Fsystem',
    resource: { type: 'cloud_run_job' },
    severity: 'ERROR',
    textPayload: 'Memory limit of 512 MiB exceeded with 530 MiB used.',
  };
  expect(fires('failed', [killed])).toEqual(['']);
  expect(fires('failed', [{ ...killed, severity: 'INFO' }])).toEqual([]);
});

test('each problem of a table fires its own alert, by the words that PostgreSQL logs', () => {
  const entries = databaseLog.map(fromDatabase);
  expect(fires('no-success', entries)).toContain('target');
  expect(fires('leftovers', entries)).toContain('target');
  expect(fires('no-new-rows', entries)).toContain('other');
  for (const alert of named('alert'))
    expect(
      fires(
        alert,
        lines.map((line) => structured(line, 'cloudsql_database')),
      ),
    ).toEqual([]);
  expect(counted('behind', entries)).toContainEqual({
    table: 'other',
    value: expect.any(Number),
  });
});

test('a run’s rows, bytes and time are measured by table and mode, and its phases by name', () => {
  const entries = lines.map((line) => structured(line, 'gce_instance'));
  expect(counted('rows', entries)).toEqual([
    { table: 'public.other', mode: 'full', value: 4000 },
    { table: 'public.other', mode: 'nothing new', value: 0 },
  ]);
  for (const metric of ['bytes', 'seconds', 'billed'])
    expect(counted(metric, entries)).toMatchObject([{ mode: 'full' }, { mode: 'nothing new' }]);
  const phases = counted('phase', entries).map((labels) => text(labels, 'phase'));
  expect(phases.slice(0, 2)).toEqual(['export', 'load']);
});

test('the instructions make every metric and every alert', () => {
  const [, metrics = ''] = /for metric in ([\w ]+); do/.exec(instructions()) ?? [];
  expect(metrics.split(' ').sort()).toEqual(named('metric').sort());
  const [, alerts = ''] = /for alert in ([\w -]+); do/.exec(instructions()) ?? [];
  expect(alerts.split(' ').sort()).toEqual(named('alert').sort());
});
