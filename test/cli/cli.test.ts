import { afterEach, beforeEach, expect, test } from 'bun:test';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { version } from '../../package.json';
import { EXIT_CODES } from '../../src/errors.ts';

const PROGRAM = join(import.meta.dir, 'argv-fixture.ts');
const ARGUMENTS = [
  '--bq-dataset=analytics',
  '--bq-table=flights',
  '--bq-location=EU',
  '--pg-conn=postgresql://loader:hunter2!@10.1.2.3/warehouse',
  '--pg-table=flights',
  '--gcs-bucket=my-bucket',
];

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cli-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const notes = () => readFileSync(join(directory, 'notes'), 'utf8').trim().split('\n');
const environment = (what: string) => ({ DO: what, NOTES: join(directory, 'notes') });

/** Starts the program with its output in pipes. */
function start(argv: readonly string[], what = '') {
  const env = environment(what);
  return Bun.spawn([process.execPath, PROGRAM, ...argv], { env, stdout: 'pipe', stderr: 'pipe' });
}

/** Runs the program to its end. */
async function finish(program: ReturnType<typeof start>) {
  const [out, errors, exitCode] = await Promise.all([
    new Response(program.stdout).text(),
    new Response(program.stderr).text(),
    program.exited,
  ]);
  return { out, errors, exitCode };
}

/** Waits until the run is under way. */
async function untilStarted(): Promise<void> {
  while (!existsSync(join(directory, 'notes'))) await Bun.sleep(5);
}

test('a run that succeeds ends in its summary and exit code 0', async () => {
  const { out, errors, exitCode } = await finish(start(ARGUMENTS));
  expect(JSON.parse(out)).toMatchObject({ severity: 'INFO', mode: 'full', rows: 3_000_000 });
  expect(errors).toBe('');
  expect(exitCode).toBe(0);
});

test('wrong arguments exit 2 before anything is started', async () => {
  const { out, errors, exitCode } = await finish(start(['--bq-tabel', 'x']));
  expect(out).toBe('');
  expect(JSON.parse(errors)).toMatchObject({ severity: 'ERROR', code: 'USAGE' });
  expect(exitCode).toBe(2);
  expect(notes).toThrow();
});

test('--help explains the flags and every exit code in lines of 80 columns', async () => {
  const { out, errors, exitCode } = await finish(start(['--help']));
  for (const argument of ARGUMENTS) expect(out).toContain(argument.split('=')[0] ?? '');
  for (const [code, meaning] of Object.entries(EXIT_CODES))
    expect(out).toContain(`${code}  ${meaning}`);
  expect(out.split('\n').filter((line) => line.length > 80)).toEqual([]);
  expect(errors).toBe('');
  expect(exitCode).toBe(0);
});

test('the example of --help is a command line that is read', async () => {
  const { out } = await finish(start(['--help']));
  const command = / {2}bq_to_postgres (\\\n.*?)\n\n/s.exec(out)?.[1] ?? '';
  const shell = ['sh', '-c', `exec "$0" "$1" ${command}`, process.execPath, PROGRAM];
  const program = Bun.spawn(shell, { env: environment(''), stdout: 'pipe', stderr: 'pipe' });
  expect(await finish(program)).toMatchObject({ errors: '', exitCode: 0 });
});

test('--version says name, version and commit', async () => {
  const { out, exitCode } = await finish(start(['--version']));
  expect(out).toMatch(/^bq_to_postgres \d+\.\d+\.\d+ \(.+\)\n$/);
  expect(exitCode).toBe(0);
});

test('an error decides the exit code', async () => {
  const { errors, exitCode } = await finish(start(ARGUMENTS, 'be locked out'));
  expect(JSON.parse(errors)).toMatchObject({ code: 'TARGET_BUSY' });
  expect(exitCode).toBe(3);
});

test('a defect exits 1, and shows no password', async () => {
  const { errors, exitCode } = await finish(start(ARGUMENTS, 'break'));
  expect(JSON.parse(errors)).toMatchObject({ code: 'UNEXPECTED', severity: 'ERROR' });
  expect(errors).toContain('with *** in it');
  expect(errors).not.toContain('hunter2');
  expect(exitCode).toBe(1);
});

test('an error that nothing waits for lets the run clean up, and is told in a line of the log', async () => {
  const { errors, exitCode } = await finish(start(ARGUMENTS, 'reject where nothing waits'));
  expect(notes()).toEqual(['started', 'cleaning up']);
  expect(JSON.parse(errors)).toMatchObject({
    severity: 'ERROR',
    code: 'UNEXPECTED',
    message: expect.stringContaining('a defect, with *** in it'),
    source: 'analytics.flights',
  });
  expect(exitCode).toBe(1);
});

test('one that comes too late to end the run is told all the same', async () => {
  const { out, errors, exitCode } = await finish(start(ARGUMENTS, 'throw at the end'));
  expect(JSON.parse(out)).toMatchObject({ severity: 'INFO', mode: 'full' });
  expect(JSON.parse(errors)).toMatchObject({ code: 'UNEXPECTED' });
  expect(exitCode).toBe(1);
});

test('warnings of the runtime are lines of the log, 600 of one kind one line and their number', async () => {
  const { out, errors, exitCode } = await finish(start(ARGUMENTS, 'warn'));
  const lines = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const facts = { version, source: 'analytics.flights', target: 'flights' };
  expect(lines.slice(0, 2)).toMatchObject([
    { severity: 'WARNING', message: 'ListenersWarning: 0 listeners', ...facts },
    { severity: 'WARNING', message: 'ListenersWarning: 0 listeners (and 599 more of this kind)' },
  ]);
  expect(lines).toHaveLength(3);
  expect({ errors, exitCode }).toEqual({ errors: '', exitCode: 0 });
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)('%s lets the run clean up, and exits %i', async (signal, code) => {
  const program = start(ARGUMENTS, 'wait');
  await untilStarted();
  program.kill(signal);
  const { errors, exitCode } = await finish(program);
  expect(exitCode).toBe(code);
  expect(notes()).toEqual(['started', 'cleaning up']);
  expect(JSON.parse(errors)).toMatchObject({
    code: 'INTERRUPTED',
    cause: ['the connection was closed'],
  });
});

test('a second signal ends the process at once', async () => {
  const program = start(ARGUMENTS, 'ignore signals');
  await untilStarted();
  program.kill('SIGINT');
  await untilPending(program.pid);
  program.kill('SIGTERM');
  expect(await program.exited).toBe(143);
});

/** Waits until no signal is on its way to the process, so that the next one is a second one. */
async function untilPending(pid: number): Promise<void> {
  const pending = () =>
    /^(?:ShdPnd|SigPnd):\s*0*[1-9a-f]/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'));
  while (pending()) await Bun.sleep(5);
}

test('under nohup, a lost terminal does not end the run', async () => {
  const shell = ['sh', '-c', `trap '' HUP; exec "$@"`, 'sh', process.execPath, PROGRAM];
  const words = [...shell, ...ARGUMENTS];
  const program = Bun.spawn(words, { env: environment('wait'), stdout: 'pipe', stderr: 'pipe' });
  await untilStarted();
  const status = readFileSync(`/proc/${program.pid}/status`, 'latin1');
  // The last bit stands for signal 1, SIGHUP.
  expect(status).toMatch(/^SigIgn:\s*[0-9a-f]+[13579bdf]$/m);
  program.kill('SIGHUP');
  await untilPending(program.pid);
  program.kill('SIGTERM');
  const { errors } = await finish(program);
  expect(JSON.parse(errors).message).toStartWith('interrupted by SIGTERM');
});

test('when nobody reads its output any more, the run goes on to its end', async () => {
  const program = start(ARGUMENTS, 'talk');
  const reader = program.stdout.getReader();
  await reader.read();
  await reader.cancel();
  const exitCode = await program.exited;
  expect(notes()).toEqual(['started', 'done']);
  expect(exitCode).toBe(0);
});

test('on a disk that is full, its log is lost and the run goes on to its end', async () => {
  const full = openSync('/dev/full', 'w');
  const words = [process.execPath, PROGRAM, ...ARGUMENTS];
  const program = Bun.spawn(words, { env: environment('talk'), stdout: full, stderr: full });
  const exitCode = await program.exited;
  closeSync(full);
  expect(notes()).toEqual(['started', 'done']);
  expect(exitCode).toBe(0);
});

test('on a terminal, people read lines, and errors as paragraphs', async () => {
  const onTerminal = async (what: string) => {
    let text = '';
    const program = Bun.spawn([process.execPath, PROGRAM, ...ARGUMENTS], {
      env: environment(what),
      terminal: {
        cols: 80,
        rows: 24,
        data: (_terminal, data) => {
          text += new TextDecoder().decode(data);
        },
      },
    });
    const exitCode = await program.exited;
    program.terminal?.close();
    return { exitCode, lines: text.split('\r\n') };
  };
  expect((await onTerminal('')).lines[0]).toBe(
    'Full load of p.analytics.flights into public.flights: 3,000,000 rows',
  );
  expect(await onTerminal('be locked out')).toEqual({
    exitCode: 3,
    lines: ['another run (TARGET_BUSY)', ''],
  });
});
