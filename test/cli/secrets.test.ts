import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openWorld } from '../scenarios/fixture.ts';
import { builtProgram } from '../tools/built-program.ts';

const SECRET = 'hunter2!';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'secrets-'));
  chmodSync(directory, 0o755);
});
afterAll(() => rmSync(directory, { recursive: true }));

/** A server that takes connections, and says nothing. */
function silentServer() {
  const { promise: connected, resolve } = Promise.withResolvers<void>();
  const server = Bun.listen({
    hostname: '127.0.0.1',
    port: 0,
    socket: { open: () => resolve(), data() {} },
  });
  return { port: server.port, connected, [Symbol.dispose]: () => server.stop(true) };
}

const argumentsTo = (port: number) => [
  '--bq-dataset=analytics',
  '--bq-table=flights',
  '--bq-location=EU',
  '--pg-conn',
  `postgresql://loader:${SECRET}@127.0.0.1:${port}/warehouse`,
  '--pg-table=flights',
  '--gcs-bucket=my-bucket',
];

/** Starts the program with a password in its arguments; it is on its way to log in when this resolves. */
async function startLoggingIn(
  { port, connected }: ReturnType<typeof silentServer>,
  before = [] as string[],
) {
  const program = Bun.spawn([...before, await builtProgram(), ...argumentsTo(port)], {
    env: {},
    stdout: 'pipe',
    stderr: 'pipe',
  });
  await connected;
  return program;
}

const read = (pid: number, file: string) => readFileSync(`/proc/${pid}/${file}`, 'utf8');

test('once the program does anything, its arguments hold no password, and it is the process that was started', async () => {
  using server = silentServer();
  const program = await startLoggingIn(server);
  const seen = read(program.pid, 'cmdline').split('\0');
  const parent = /^PPid:\s*(\d+)$/m.exec(read(program.pid, 'status'))?.[1];
  program.kill('SIGTERM');
  const text = await new Response(program.stderr).text();
  expect(seen).toContain('--pg-conn=***');
  expect(seen).toContain('--pg-table=flights');
  expect(seen.join()).not.toContain(SECRET);
  expect(Number(parent)).toBe(process.pid);
  expect(text).not.toContain(SECRET);
  expect(await program.exited).toBe(143);
});

test.each(['SIGSEGV', 'SIGABRT'] as const)('a crash by %s prints no password', async (signal) => {
  using server = silentServer();
  const program = await startLoggingIn(server);
  program.kill(signal);
  const [out, errors] = await Promise.all([
    new Response(program.stdout).text(),
    new Response(program.stderr).text(),
  ]);
  expect(await program.exited).not.toBe(0);
  expect(errors).toContain('"--pg-conn=***"'); // the runtime's own report
  expect(out + errors).not.toContain(SECRET);
});

test('where no thread can be started, the runtime dies and prints no password', async () => {
  const program = join(directory, 'bq_to_postgres');
  copyFileSync(await builtProgram(), program);
  // The limit does not hold for root.
  const asNobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
  const before = process.getuid?.() === 0 ? asNobody : [];
  const words = [...before, 'prlimit', '--nproc=1', program, ...argumentsTo(1)];
  const ended = Bun.spawnSync(words, { env: {}, cwd: directory });
  const text = `${ended.stdout}${ended.stderr}`;
  expect(text).toContain('panic');
  expect(text).not.toContain(SECRET);
});

test('a hangup that is ignored stays ignored', async () => {
  using server = silentServer();
  const program = await startLoggingIn(server, ['sh', '-c', `trap '' HUP; exec "$0" "$@"`]);
  program.kill('SIGHUP');
  program.kill('SIGTERM');
  expect(await program.exited).toBe(143);
});

/** Starts the program, stops it once it logs in, and gives the first line of its log and its errors. */
async function firstLine(start: (words: readonly string[]) => readonly string[]) {
  using server = silentServer();
  const program = Bun.spawn([...start(argumentsTo(server.port))], {
    env: {},
    stdout: 'pipe',
    stderr: 'pipe',
  });
  await server.connected;
  program.kill('SIGTERM');
  const [out, errors] = await Promise.all([
    new Response(program.stdout).text(),
    new Response(program.stderr).text(),
  ]);
  return { first: JSON.parse(out.split('\n')[0] ?? ''), error: JSON.parse(errors) };
}

test('a file that is handed on as a descriptor is still read, with a warning of the password that is shown', async () => {
  const program = await builtProgram();
  const passfile = join(directory, 'passfile');
  await Bun.write(passfile, '*:*:*:*:x\n');
  const script = `PGPASSFILE=/dev/fd/9 exec "$0" "$@" 9<${passfile}`;
  const { first } = await firstLine((words) => ['sh', '-c', script, program, ...words]);
  expect(first).toMatchObject({
    severity: 'WARNING',
    message: expect.stringContaining('PGPASSWORD or a passfile'),
  });
});

test('where the process cannot be replaced, the run goes on, and warns of the password that is shown', async () => {
  const program = join(directory, 'removed');
  copyFileSync(await builtProgram(), program);
  const script = 'exec 9<"$0"; rm "$0"; exec /proc/self/fd/9 "$@"';
  const { first, error } = await firstLine((words) => ['sh', '-c', script, program, ...words]);
  expect(first).toMatchObject({
    severity: 'WARNING',
    message: expect.stringContaining('cannot be replaced (ENOENT)'),
  });
  expect(error).toMatchObject({ code: 'INTERRUPTED' });
});

describe('a program that gives the credentials', () => {
  test('finds no password in its environment', async () => {
    await using world = await openWorld();
    const found = join(directory, 'environment');
    const script = join(directory, 'credentials.sh');
    await Bun.write(script, `tr '\\0' '\\n' < /proc/$$/environ > ${found}; exit 1`);
    const credentials = {
      type: 'external_account',
      audience:
        '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      token_url: 'http://127.0.0.1:1/',
      credential_source: { executable: { command: `sh ${script}` } },
    };
    await Bun.write(join(directory, 'credentials.json'), JSON.stringify(credentials));
    const uri = new URL(world.database.uri);
    uri.password ||= SECRET;
    const run = world.start(
      { 'pg-conn': uri.href },
      {
        GOOGLE_APPLICATION_CREDENTIALS: join(directory, 'credentials.json'),
        GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES: '1',
      },
    );
    await run.outcome;
    expect(await Bun.file(found).text()).toContain('GOOGLE_EXTERNAL_ACCOUNT');
    expect(await Bun.file(found).text()).not.toContain(uri.password);
  });
});
