import { expect, test } from 'bun:test';
import { openScene } from './fault-fixture.ts';

test('timeouts that are set for the role and the database end no run', async () => {
  await using scene = await openScene();
  const { sql, name } = scene.world.database;
  for (const setting of [
    'statement_timeout',
    'lock_timeout',
    'idle_in_transaction_session_timeout',
    'idle_session_timeout',
    'transaction_timeout',
  ]) {
    await sql.unsafe(`ALTER DATABASE ${name} SET ${setting} = 400`);
  }
  const media = { service: 'storage', path: /alt=media/ } as const;
  scene.world.google.fail({ ...media, kind: 'delay', ms: 900, times: 99 });
  const { exitCode, text } = await scene.start().outcome;
  expect({ exitCode, text }).toEqual({ exitCode: 0, text });
});

test('what the server would compile is not compiled, but for the views of the user', async () => {
  await using scene = await openScene(100);
  const { sql, name } = scene.world.database;
  await sql.unsafe(`ALTER DATABASE ${name} SET jit = on`);
  await sql`CREATE TABLE target (id bigint, name text, max_ingested_at timestamptz,
    jit text DEFAULT current_setting('jit'))`;
  await sql`CREATE MATERIALIZED VIEW seen AS SELECT DISTINCT jit, current_setting('jit') AS own FROM target`;
  const { exitCode, text } = await scene.start().outcome;
  expect({ exitCode, text }).toEqual({ exitCode: 0, text });
  expect([...(await sql`SELECT jit, own FROM seen`)]).toEqual([{ jit: 'off', own: 'on' }]);
});

test('other settings of the role and the database change nothing', async () => {
  await using scene = await openScene(100);
  const { sql, name } = scene.world.database;
  await sql`CREATE TABLE target (id bigint PRIMARY KEY, name text, max_ingested_at timestamptz)`;
  await sql`CREATE VIEW recent AS SELECT id, 'a\\b' AS text FROM target WHERE name ~ '\\d'`;
  for (const setting of [
    `default_transaction_isolation = 'serializable'`,
    `default_transaction_deferrable = on`,
    `standard_conforming_strings = off`,
    `backslash_quote = off`,
    `array_nulls = off`,
    `transform_null_equals = on`,
    `quote_all_identifiers = on`,
    `bytea_output = 'escape'`,
    `extra_float_digits = -15`,
    `datestyle = 'German, DMY'`,
    `intervalstyle = 'sql_standard'`,
    `timezone = 'Pacific/Kiritimati'`,
    `client_min_messages = 'debug1'`,
  ]) {
    await sql.unsafe(`ALTER DATABASE ${name} SET ${setting}`);
  }
  const full = await scene.start().outcome;
  expect(full).toMatchObject({ exitCode: 0, text: full.text });
  await scene.addRows(100);
  await scene.recover();
});

test('a database that is read-only by default is refused by name', async () => {
  await using scene = await openScene();
  const { sql, name } = scene.world.database;
  await sql.unsafe(`ALTER DATABASE ${name} SET default_transaction_read_only = on`);
  const { exitCode, text } = await scene.start().outcome;
  expect({ exitCode, code: /"code":"(\w+)"/.exec(text)?.[1] }).toEqual({
    exitCode: 1,
    code: 'READ_ONLY',
  });
});

test('with two connections in all, a full load goes by one stream', async () => {
  await using scene = await openScene();
  const { sql, name } = scene.world.database;
  const role = `two_${name}`;
  await sql.unsafe(`CREATE ROLE ${role} LOGIN CONNECTION LIMIT 2;
    GRANT ALL ON SCHEMA public TO ${role}`);
  try {
    const uri = scene.world.database.uri.replace('postgres@', `${role}@`);
    const { exitCode, text } = await scene.world.run({ 'pg-conn': uri });
    expect({ exitCode, text }).toEqual({ exitCode: 0, text });
    await scene.expectRight();
  } finally {
    await sql.unsafe(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  }
});

test.each(['pg_class', 'pg_catalog.pg_class', 'sync_state', 'public.sync_runs', 'sync_splits'])(
  'the target %s is refused before anything is touched, exit code 2',
  async (target) => {
    await using scene = await openScene(1);
    const { exitCode } = await scene.world.run({ 'pg-table': target });
    expect(exitCode).toBe(2);
    expect(await scene.status()).toBeUndefined();
  },
);

test('quotes, semicolons and newlines in the name of the target are only a name', async () => {
  await using scene = await openScene(20);
  const name = `we"ird; DROP TABLE sync_state; --\n'\`\\`;
  const flags = { 'pg-table': `"${name.replaceAll('"', '""')}"` };
  for (const rows of ['20', '23']) {
    const { exitCode, text } = await scene.world.run(flags);
    expect({ exitCode, text }).toEqual({ exitCode: 0, text });
    const { sql } = scene.world.database;
    const [row] = await sql.unsafe(`SELECT count(*) AS n FROM ${flags['pg-table']}`);
    expect(row?.['n']).toBe(rows);
    await scene.addRows(3);
  }
});

test('rows that arrive during a run with a time inside its window are not counted as loaded', async () => {
  await using scene = await openScene(100);
  const { google, database } = scene.world;
  google.fail({ service: 'storage', path: /alt=media/, kind: 'delay', ms: 800 });
  const run = scene.start();
  await scene.until(async () => (await scene.status()) === 'loading');
  await google.sql(
    `INSERT INTO source.rows VALUES (0, 'late', TIMESTAMP '2024-01-01 00:00:09+00')`,
  );
  const { exitCode } = await run.outcome;
  const [row] = await database.sql`SELECT rows, (SELECT count(*) FROM target) AS there,
    (SELECT last_synced_at::text FROM sync_state) AS watermark FROM sync_runs`;
  const watermark = '2024-01-01 00:01:40';
  expect({ exitCode, ...row } as object).toEqual({
    exitCode: 0,
    rows: '100',
    there: '100',
    watermark,
  });
});

test('a watermark in the future is a warning that says what is not seen, and the way out', async () => {
  await using scene = await openScene(10);
  await scene.recover();
  const { sql } = scene.world.database;
  const warned = async () => {
    const { exitCode, lines } = await scene.world.run();
    expect(exitCode).toBe(0);
    return lines.filter(({ severity }) => severity === 'WARNING').map(({ message }) => message);
  };
  await sql`UPDATE sync_state SET last_synced_at = now() AT TIME ZONE 'UTC' - interval '1 minute'`;
  expect(await warned()).toEqual([]);
  await sql`UPDATE sync_state SET last_synced_at = now() AT TIME ZONE 'UTC' + interval '1 minute'`;
  const reset = `UPDATE "public"."sync_state" SET last_synced_at = NULL WHERE table_name = 'target';`;
  expect(await warned()).toEqual([
    expect.stringMatching(/^the watermark of target, .* is in the future: rows with earlier times/),
  ]);
  expect((await warned())[0]).toEndWith(`for a full load: ${reset}`);
  await sql.unsafe(reset);
  expect(await warned()).toEqual([]);
  await scene.expectRight();
});
