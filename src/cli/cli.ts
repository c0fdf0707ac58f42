import { ProjectorError } from '../errors.ts';
import { sourceText } from '../google/source-name.ts';
import type { Environment } from '../postgres/connection/parameters.ts';
import { openReport } from '../report/open-report.ts';
import type { Report } from '../report/report.ts';
import type { Summary } from '../report/summary.ts';
import { type Arguments, readArguments } from './arguments.ts';
import type { CommandWords } from './command-words.ts';
import { reportRuntimeEvents } from './runtime-events.ts';
import { listenForSignals, surviveLostOutput } from './signals.ts';
import { VERSION, VERSION_TEXT } from './version.ts';

/** One run, as src/run/run.ts has it. */
export type Run = (
  given: Arguments,
  environment: { readonly signal: AbortSignal; readonly report: Report },
) => Promise<Summary>;

/**
 * The whole of the program for one command line; answers the exit code, and throws nothing.
 * `loadRun` is called only when there is something to run: the Google clients take tens of
 * milliseconds to load, and `--version` should not wait for them.
 */
export async function main(
  { words, exposed }: CommandWords,
  env: Environment,
  loadRun: () => Promise<Run>,
): Promise<number> {
  surviveLostOutput();
  const interrupt = listenForSignals();
  let report: Report | undefined;
  try {
    const given = readArguments(words, env);
    if ('help' in given) return await print((await import('./help.ts')).helpText());
    if ('version' in given) return await print(`${VERSION_TEXT}\n`);
    report = await openOwnReport();
    hidePasswords(report, given);
    reportRuntimeEvents(report, interrupt.abort);
    report.identify({
      source: sourceText({ ...given.dataset, table: given.bqTable, location: given.location }),
      target: given.pgTableText,
    });
    if (exposed !== undefined) report.warn(exposedText(exposed));
    const run = await loadRun();
    report.summary(await run(given, { signal: interrupt.signal, report }));
    throwIfBroken(interrupt.signal);
    return 0;
  } catch (error) {
    report ??= await openOwnReport();
    const failure = interrupt.signal.aborted ? reasonWith(interrupt.signal, error) : error;
    report.error(failure);
    return failure instanceof ProjectorError ? failure.exitCode : 1;
  } finally {
    report?.close();
    interrupt.stop();
  }
}

async function openOwnReport(): Promise<Report> {
  const report = await openReport();
  report.identify({ version: VERSION });
  return report;
}

/** Everything that could be a password goes into the safety net, before anything is written. */
function hidePasswords(report: Report, { connection: { hosts, tls } }: Arguments): void {
  const secrets = [...hosts.map(({ password }) => password), tls.client?.passphrase];
  for (const secret of secrets) if (secret !== undefined) report.hide(secret.reveal());
}

function exposedText(reason: string): string {
  return `the password of --pg-conn is shown by ps, since ${reason}: give it by PGPASSWORD or a passfile`;
}

/** An error that nothing waited for is told even where it came too late to end the run. */
function throwIfBroken({ aborted, reason }: AbortSignal): void {
  if (aborted && !(reason instanceof ProjectorError)) throw reason;
}

/** After a signal the interruption is what is reported; what else went wrong is its cause. */
function reasonWith(signal: AbortSignal, error: unknown): unknown {
  const reason: unknown = signal.reason;
  if (error === reason || !(reason instanceof ProjectorError)) return reason;
  const { code, message, hint = '', exitCode } = reason;
  return new ProjectorError({ code, message, hint, exitCode, cause: error });
}

/** Writes to standard output, and waits until it is out: the process ends right after. */
async function print(text: string): Promise<number> {
  await new Promise((written) => process.stdout.write(text, written));
  return 0;
}
