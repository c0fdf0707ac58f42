import { builtProgram } from '../tools/built-program.ts';
import { command, print } from './print.ts';
import { parseLine, readableLine } from './readable-line.ts';
import { BUCKET, DATASET } from './stand-in-process.ts';

/** Where the program finds its sources and its target. */
export interface Places {
  /** The environment that leads the Google clients to the stand-in. */
  readonly env: Readonly<Record<string, string>>;
  readonly uri: string;
  readonly signal: AbortSignal;
}

/** How a run that succeeded went. */
export interface Ran {
  /**
   * The most memory it had, in bytes. The kernel counts from before the executable was loaded, when
   * it was a copy of this process: it can be too much, never too little.
   */
  readonly peakBytes: number;
}

/** Builds the program, as `bun run build` does. */
export async function buildProgram(): Promise<void> {
  await builtProgram();
}

/** Runs the program as a user would: its output is the terminal's, or that of a log. */
export async function runProgram(table: string, places: Places): Promise<Ran> {
  command(commandText(table, places.uri));
  return await spawn(flagsOf(table, places.uri), places, process.stdout.isTTY ? 'terminal' : 'log');
}

/** Runs it without a word, for the figures that it leaves in `sync_runs`. */
export async function measureProgram(table: string, places: Places): Promise<Ran> {
  return await spawn(flagsOf(table, places.uri), places, 'silent');
}

/** The run as it would be typed. */
export function commandText(table: string, uri: string): string {
  const [dataset, from, ...others] = flagsOf(table, uri);
  return [
    `$ dist/bq_to_postgres ${dataset} ${from}`,
    `    ${others.splice(0, 2).join(' ')}`,
    `    ${others.join(' ')}`,
  ].join(' \\\n');
}

/** The program's arguments for a table of the demo. */
export function flagsOf(table: string, uri: string): readonly string[] {
  return [
    `--bq-dataset=${DATASET}`,
    `--bq-table=${table}`,
    '--bq-location=US',
    `--pg-conn=${uri}`,
    `--pg-table=${table}`,
    `--gcs-bucket=${BUCKET}`,
  ];
}

async function spawn(
  flags: readonly string[],
  { env, signal }: Places,
  output: 'terminal' | 'log' | 'silent',
): Promise<Ran> {
  signal.throwIfAborted();
  const program = Bun.spawn([await builtProgram(), ...flags], {
    // Nothing else: credentials that this machine may have are none of the demo's business.
    env: { ...env, TERM: process.env['TERM'] },
    stdin: 'ignore',
    stdout: output === 'terminal' ? 'inherit' : 'pipe',
    stderr: output === 'terminal' ? 'inherit' : 'pipe',
  });
  const stop = () => stopProgram(program);
  signal.addEventListener('abort', stop);
  const read = [program.stdout, program.stderr].map((stream) =>
    stream instanceof ReadableStream ? printLines(stream, output === 'log') : undefined,
  );
  const [exitCode] = await Promise.all([program.exited, ...read]);
  signal.removeEventListener('abort', stop);
  signal.throwIfAborted();
  if (exitCode !== 0) throw new Error(`bq_to_postgres ended with exit code ${exitCode}`);
  return { peakBytes: program.resourceUsage()?.maxRSS ?? 0 };
}

/** How long the program may take to clean up before it is ended. */
const PATIENCE_MS = 10_000;

/**
 * Stops the program, which needs the services for that. Ctrl-C on a terminal has reached it by
 * itself, and a second signal would end it before it has cleaned up.
 */
function stopProgram(program: Bun.Subprocess): void {
  setTimeout(() => program.kill('SIGTERM'), process.stdin.isTTY ? PATIENCE_MS / 2 : 0).unref();
  setTimeout(() => program.kill('SIGKILL'), PATIENCE_MS).unref();
}

/** What failed is shown in any case. */
async function printLines(stream: ReadableStream<Uint8Array>, shown: boolean): Promise<void> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) {
      if (shown || parseLine(line)?.severity === 'ERROR') print(readableLine(line));
    }
  }
}
