import { expect, test } from 'bun:test';
import postgres from 'postgres';
import { openWorld, type World } from '../scenarios/fixture.ts';
import { startPostgres, type TestServer } from '../server/server.ts';
import { startProxy, type TcpProxy } from './proxy.ts';

/** A primary behind a proxy, its standby, and a database that both have. */
interface Pair extends AsyncDisposable {
  readonly world: World;
  readonly primary: TestServer;
  readonly proxy: TcpProxy;
  /** The list of both hosts, the primary first. */
  readonly uri: string;
  /** Adds so many rows to the source. */
  addRows(count: number): Promise<void>;
  /** Ends the primary as a crash does, and makes the standby one, `afterMs` later. */
  failOver(afterMs?: number): Promise<void>;
  /** Expects that the server that was the standby has every row of the source once. */
  expectRight(): Promise<void>;
}

async function openPair(): Promise<Pair> {
  await using stack = new AsyncDisposableStack();
  const world = stack.use(await openWorld());
  world.google.settings.exportShards = 4;
  const primary = stack.use(await startPostgres());
  const proxy = stack.use(await startProxy(primary.port));
  const { name } = await primary.createDatabase();
  const standby = stack.use(await startPostgres({ standbyOf: primary }));
  const sql = postgres({
    path: `${standby.socketDirectory}/.s.PGSQL.${standby.port}`,
    user: 'postgres',
    database: name,
    max: 1,
  });
  stack.defer(() => sql.end({ timeout: 0 }));
  // Without this the last commits may be lost: that is another story.
  const admin = postgres(primary.uri, { max: 1 });
  await admin`ALTER SYSTEM SET synchronous_standby_names = '*'`;
  await admin`SELECT pg_reload_conf()`;
  await admin.end();
  let rows = 0;
  const opened = stack.move();
  return {
    world,
    primary,
    proxy,
    uri: `${proxy
      .through(`postgres://postgres@127.0.0.1:${primary.port}/`)
      .slice(0, -1)},127.0.0.1:${standby.port}/${name}?target_session_attrs=read-write`,
    async addRows(count) {
      await world.google.duckdb(`INSERT INTO ${world.google.tableName('source', 'rows')}
        SELECT i, 'row ' || i, TIMESTAMPTZ '2024-01-01 00:00:00+00' + INTERVAL (i) SECOND
        FROM range(${rows}, ${rows + count}) AS r(i)`);
      rows += count;
    },
    async failOver(afterMs = 0) {
      proxy.refuse(true);
      proxy.cut();
      await primary.stop();
      await Bun.sleep(afterMs);
      await sql`SELECT pg_promote()`;
    },
    async expectRight() {
      const [row] = await sql`SELECT count(*) AS rows, count(DISTINCT id) AS ids,
        (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory') AS locks FROM target`;
      expect({ ...row }).toEqual({ rows: String(rows), ids: String(rows), locks: '0' });
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

test('a full load goes on at the server that took over while it loaded', async () => {
  await using pair = await openPair();
  await pair.addRows(20_000);
  const snapped = pair.proxy.trap({ when: /COPY /, what: 'hold' });
  const run = pair.world.start({ 'pg-conn': pair.uri });
  await snapped;
  // Both are tried meanwhile: one is away, and the other is a standby still.
  await pair.failOver(3000);
  const { exitCode, text } = await run.outcome;
  expect({ exitCode, text }).toEqual({ exitCode: 0, text });
  await pair.expectRight();
});

test('an increment whose COMMIT was on its way is there once, at the server that took over', async () => {
  await using pair = await openPair();
  await pair.addRows(1000);
  expect((await pair.world.run({ 'pg-conn': pair.uri })).exitCode).toBe(0);
  await pair.addRows(100);
  const snapped = pair.proxy.trap({ when: /^Q[\s\S]{4}COMMIT\0/, what: 'mute' });
  const run = pair.world.start({ 'pg-conn': pair.uri });
  await snapped;
  await pair.failOver();
  const { exitCode, text } = await run.outcome;
  expect({ exitCode, text }).toEqual({ exitCode: 0, text });
  await pair.expectRight();
});

test('a run that begins after a failover finds the new primary at once', async () => {
  await using pair = await openPair();
  await pair.addRows(1000);
  await pair.failOver();
  const { exitCode, text } = await pair.world.run({ 'pg-conn': pair.uri });
  expect({ exitCode, text }).toEqual({ exitCode: 0, text });
  expect(text).not.toContain('trying again');
  await pair.expectRight();
});
