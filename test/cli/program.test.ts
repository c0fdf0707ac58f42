import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openWorld } from '../scenarios/fixture.ts';
import { builtProgram } from '../tools/built-program.ts';

/** What a person sees who starts the compiled program on a terminal of 80 columns. */
async function onTerminal(argv: readonly string[]) {
  let text = '';
  const decoder = new TextDecoder();
  const program = Bun.spawn([await builtProgram(), ...argv], {
    env: {},
    terminal: {
      cols: 80,
      rows: 50,
      data: (_terminal, data) => {
        text += decoder.decode(data, { stream: true });
      },
    },
  });
  const exitCode = await program.exited;
  program.terminal?.close();
  return { exitCode, text: text.replaceAll('\r\n', '\n') };
}

test('without arguments, the usage with a full example is printed, which a shell can run', async () => {
  const { exitCode, text } = await onTerminal([]);
  expect(exitCode).toBe(2);
  expect(text).toStartWith('the six flags are missing (USAGE)\nUsage:\n');
  const example = /For example:\n(.*?)\n\n/s.exec(text)?.[1] ?? '';
  const shell = Bun.spawnSync(['sh', '-c', `bq_to_postgres() { echo $# "$8"; }; ${example}`]);
  expect(shell.stdout.toString()).toBe(
    '12 postgresql://loader@10.1.2.3/warehouse?sslmode=require\n',
  );
  expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
});

test('an unquoted --pg-table takes letters as they are typed, composed or not', async () => {
  await using world = await openWorld();
  const typed = 'Žluť'.normalize('NFD');
  expect(await world.run({ 'pg-table': typed })).toMatchObject({ exitCode: 0 });
  const [found] = await world.database.sql`
      SELECT count(*)::int AS tables FROM pg_class WHERE relname = ${typed.replace('Z', 'z')}`;
  expect(found).toEqual({ tables: 1 });
});

test('what a service answers as an object is told in its words', async () => {
  await using world = await openWorld();
  const folder = mkdtempSync(join(tmpdir(), 'credentials-'));
  using sts = Bun.serve({
    port: 0,
    fetch: () =>
      Response.json({ error: { code: 403, message: 'the pool is disabled' } }, { status: 403 }),
  });
  const credentials = {
    type: 'external_account',
    audience:
      '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q',
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    token_url: sts.url.href,
    credential_source: { file: join(folder, 'token') },
  };
  await Bun.write(join(folder, 'token'), 'a token');
  await Bun.write(join(folder, 'credentials.json'), JSON.stringify(credentials));
  const { exitCode, text } = await world.run(
    {},
    { GOOGLE_APPLICATION_CREDENTIALS: join(folder, 'credentials.json') },
  );
  rmSync(folder, { recursive: true });
  expect(exitCode).toBe(1);
  expect(text).toContain('the pool is disabled');
  expect(text).not.toContain('[object Object]');
});
