import { expect } from 'bun:test';
import { openScene, type Scene } from '../faults/fault-fixture.ts';
import { APPLY } from '../faults/statements.ts';
import type { Flags, LogLine, Outcome, Running, World } from '../scenarios/fixture.ts';
import { asksForExport } from '../scenarios/inspect.ts';

/** `id name microseconds` of each row of a source, in order of their text. */
export async function sourceRows({ google }: World, table = 'rows'): Promise<string[]> {
  const rows = await google.duckdb(`SELECT concat_ws(' ', id::VARCHAR, name,
    epoch_us(max_ingested_at)::VARCHAR) AS row FROM ${google.tableName('source', table)} ORDER BY 1`);
  return rows.map(({ row }) => String(row)).sort();
}

/** The same of the target, which has the columns of the source. */
export async function targetRows({ database }: World, table = 'target'): Promise<string[]> {
  const rows = await database.sql.unsafe<{ row: string }[]>(`SELECT concat_ws(' ', id::text, name,
    (extract(epoch FROM max_ingested_at) * 1000000)::bigint::text) AS row FROM ${table}`);
  return rows.map(({ row }) => row).sort();
}

/** Expects the target to be the source. */
export async function expectSameRows(world: World, table = 'target', source = 'rows') {
  expect(await targetRows(world, table)).toEqual(await sourceRows(world, source));
}

/** What a failed run told: the last error. */
export function errorOf({ lines }: Outcome): LogLine | undefined {
  return lines.findLast(({ severity }) => severity === 'ERROR');
}

/** Expects the run to be refused with `code`; gives the error. */
export async function refused(run: Promise<Outcome>, code: string): Promise<LogLine> {
  const outcome = await run;
  const error = errorOf(outcome);
  expect({ exitCode: outcome.exitCode, code: error?.['code'], text: outcome.text }).toEqual({
    exitCode: 1,
    code,
    text: outcome.text,
  });
  return error as LogLine;
}

/** Expects the run to end well; gives its log, its summary and the warnings in it. */
export async function well(run: Promise<Outcome>) {
  const { exitCode, text, lines } = await run;
  expect({ exitCode, text }).toEqual({ exitCode: 0, text });
  const summary = lines.at(-1) as LogLine;
  return { text, summary, warnings: (summary['warnings'] ?? []) as readonly string[] };
}

/** The statement of a hint that begins so, up to its semicolon. */
export function statementOf({ hint }: LogLine, beginning: string): string {
  const from = String(hint).indexOf(beginning);
  const text = from < 0 ? '' : String(hint).slice(from);
  expect({ hint, found: text.includes(';') }).toEqual({ hint, found: true });
  return text.slice(0, text.indexOf(';'));
}

/** Adds rows to the source, each `id, name` and a day of January 2024. */
export async function addRows(world: World, ...rows: (readonly [number, string, number])[]) {
  const values = rows.map(
    ([id, name, day]) =>
      `(${id}, '${name}', TIMESTAMP '2024-01-${String(day).padStart(2, '0')} 00:00:00+00')`,
  );
  await world.google.sql(`INSERT INTO source.rows VALUES ${values.join(', ')}`);
}

/**
 * Starts a run and does something while its export is asked for: after all that the run reads before,
 * and before the statement that reads the rows.
 */
export async function whileAskedToExport(
  world: World,
  action: () => Promise<unknown>,
  start: () => Running = () => world.start(),
): Promise<Outcome> {
  const { google } = world;
  const before = google.requests.length;
  google.fail({ method: 'POST', body: /EXPORT DATA/, kind: 'delay', ms: 700 });
  const run = start();
  const ended = run.outcome.then(() => true);
  const asked = () => google.requests.slice(before).some(asksForExport);
  while (!asked() && !(await Promise.race([ended, Bun.sleep(10)])));
  expect(asked()).toBe(true);
  await action();
  return await run.outcome;
}

/** A scene whose first full load was killed when some of its splits were loaded. */
export async function openKilledLoad(): Promise<Scene> {
  const scene = await openScene();
  await killWhileLoading(scene);
  return scene;
}

/** Kills a full load when some of its splits are loaded, and some are not. */
export async function killWhileLoading(scene: Scene, flags: Flags = {}): Promise<void> {
  const { google } = scene.world;
  const object = { service: 'storage', path: /alt=media/ } as const;
  google.fail({ ...object, kind: 'stall', afterBytes: 2000, nth: 4, times: 99 });
  const run = scene.start(flags);
  await scene.until(async () => (await marks(scene.world)) > 0);
  run.kill('SIGKILL');
  await run.outcome;
  google.heal();
}

/** The splits that a full load has marked so far. */
export async function marks({ database }: World): Promise<number> {
  const [there] = await database.sql`SELECT to_regclass('sync_splits') AS splits`;
  if (there?.['splits'] == null) return 0;
  const [row] = await database.sql`SELECT count(*)::int AS n FROM sync_splits`;
  return row?.['n'];
}

/** Kills a run when its rows are committed, and its watermark is not set. */
export async function killAfterCommit(scene: Scene): Promise<void> {
  const snapped = scene.proxy.trap({ when: APPLY, what: 'hold' });
  const run = scene.start();
  await snapped;
  expect(await scene.status()).toBe('committed');
  run.kill('SIGKILL');
  await run.outcome;
  await untilNobodyIsConnected(scene.world.database);
}

/** Sessions of the program end a moment after it. */
export async function untilNobodyIsConnected({ sql }: World['database']): Promise<void> {
  for (;;) {
    const [row] = await sql`SELECT count(*)::int AS n FROM pg_stat_activity
      WHERE datname = current_database() AND application_name LIKE 'bq_to_postgres%'`;
    if (row?.['n'] === 0) return;
    await Bun.sleep(20);
  }
}

/** Makes a role the owner of the target, with the rights that a run needs; dropped with what it owns. */
export async function ownedBy(
  { database }: World,
  name: string,
): Promise<AsyncDisposable & { readonly flags: Flags }> {
  const { sql, uri, name: databaseName } = database;
  await sql.unsafe(`CREATE ROLE ${name} LOGIN; GRANT ALL ON SCHEMA public TO ${name};
    GRANT TEMPORARY ON DATABASE ${databaseName} TO ${name};
    ALTER TABLE target OWNER TO ${name}; GRANT ALL ON sync_state, sync_runs, sync_splits TO ${name}`);
  return {
    flags: { 'pg-conn': uri.replace('postgres@', `${name}@`) },
    async [Symbol.asyncDispose]() {
      await sql.unsafe(
        `REASSIGN OWNED BY ${name} TO postgres; DROP OWNED BY ${name}; DROP ROLE ${name}`,
      );
    },
  };
}
