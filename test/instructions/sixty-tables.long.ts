import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Google, startGoogle } from '../gcp/google.ts';
import type { TestDatabase } from '../server/database.ts';
import { startPostgres, type TestServer } from '../server/server.ts';
import { builtProgram } from '../tools/built-program.ts';
import { DEPLOYMENT } from './document.ts';

/**
 * Sixty tables by the one command of the one unit, four at once, into a server with 25 connections:
 * first loads, nothing new, increments. One more table is not there, and fails each time.
 */
setDefaultTimeout(600_000);

const TABLES = 60;
const AT_ONCE = 4;
const MAX_CONNECTIONS = 25;
/** What a run may have at most, in bytes. */
const RUN_BYTES = 200e6;

let folder: string;
let google: Google;
let server: TestServer;
let database: TestDatabase;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sixty-'));
  google = await startGoogle();
  server = await startPostgres({ settings: { max_connections: String(MAX_CONNECTIONS) } });
  database = await server.createDatabase();
  await google.createDataset('source');
  google.createBucket('sixty');
  const schema = [
    { name: 'id', type: 'INTEGER' },
    { name: 'name', type: 'STRING' },
    { name: 'max_ingested_at', type: 'TIMESTAMP' },
  ];
  for (let n = 0; n < TABLES; n += 1) await google.createTable('source', `t${n}`, schema);
  await addRows(1, 5000);
  const lines = Array.from({ length: TABLES }, (_, n) => `source t${n} t${n}`);
  lines.splice(20, 0, 'source no_such_table lost');
  writeFileSync(join(folder, 'tables.txt'), lines.join('\n'));
  const script = readFileSync(join(DEPLOYMENT, 'each'), 'utf8');
  const own = script.replace('/usr/local/bin/bq_to_postgres', await builtProgram());
  writeFileSync(join(folder, 'each'), own, { mode: 0o755 });
});
afterAll(async () => {
  await database.drop();
  await server.stop();
  await google[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

async function addRows(from: number, to: number): Promise<void> {
  for (let n = 0; n < TABLES; n += 1)
    await google.duckdb(`INSERT INTO ${google.tableName('source', `t${n}`)}
      SELECT i, 'row ' || i, TIMESTAMPTZ '2024-01-01 00:00:00+00' + INTERVAL (i) SECOND
      FROM range(${from}, ${to + 1}) AS r(i)`);
}

interface Pass {
  readonly exitCode: number;
  readonly failed: readonly string[];
  readonly seconds: number;
  /** The most that was seen at one time. */
  readonly connections: number;
  readonly bytes: number;
}

async function pass(): Promise<Pass> {
  const began = performance.now();
  const child = Bun.spawn([join(folder, 'each')], {
    env: {
      ...google.env,
      PATH: process.env['PATH'],
      TABLES: join(folder, 'tables.txt'),
      AT_ONCE: String(AT_ONCE),
      BQ_LOCATION: 'US',
      PG_CONN: database.uri,
      GCS_BUCKET: 'sixty',
    },
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
  });
  const most = { connections: 0, bytes: 0 };
  const watching = watch(child, most);
  const errors = await new Response(child.stderr).text();
  const exitCode = await child.exited;
  await watching;
  const failed = errors
    .split('\n')
    .filter((line) => line.includes('sync_failed'))
    .map((line) => String(JSON.parse(line).table));
  return { exitCode, failed, seconds: (performance.now() - began) / 1000, ...most };
}

/** Counts the sessions of the runs and their memory until the pass is over. */
async function watch(child: Bun.Subprocess, most: { connections: number; bytes: number }) {
  while (child.exitCode === null) {
    const [row] = await database.sql.unsafe(`SELECT count(*)::int AS n FROM pg_stat_activity
      WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`);
    most.connections = Math.max(most.connections, row?.['n'] ?? 0);
    most.bytes = Math.max(most.bytes, memoryBelow(child.pid));
    await Bun.sleep(50);
  }
}

function memoryBelow(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kilobytes = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0);
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    const below = children === '' ? [] : children.split(' ').map((each) => memoryBelow(+each));
    return below.reduce((sum, each) => sum + each, kilobytes * 1024);
  } catch {
    return 0; // It has ended.
  }
}

async function expectRight(rows: number): Promise<void> {
  const sums = Array.from(
    { length: TABLES },
    (_, n) => `SELECT count(*)::int AS n, sum(id)::int AS sum FROM t${n}`,
  );
  const loaded = await database.sql.unsafe(sums.join(' UNION ALL '));
  expect<unknown>([...loaded].map((row) => ({ ...row }))).toEqual(
    Array(TABLES).fill({ n: rows, sum: (rows * (rows + 1)) / 2 }),
  );
}

test.each([
  ['first loads', async () => {}, 5000],
  ['a pass with nothing new', async () => {}, 5000],
  ['increments', () => addRows(5001, 5100), 5100],
])(
  '%s of sixty tables are right, within the bounds, and the one that fails is named',
  async (what, before, rows) => {
    await before();
    const { exitCode, failed, seconds, connections, bytes } = await pass();
    console.log(
      `${what}: ${seconds.toFixed(1)} s, ${connections} connections, ${(bytes / 1e6).toFixed(0)} MB`,
    );
    expect({ exitCode, failed }).toEqual({ exitCode: 1, failed: ['lost'] });
    await expectRight(rows);
    expect(connections).toBeLessThan(MAX_CONNECTIONS);
    expect(bytes).toBeLessThan(AT_ONCE * RUN_BYTES);
  },
);
