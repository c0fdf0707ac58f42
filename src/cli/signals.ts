import { readFileSync } from 'node:fs';
import { type ExitCode, ProjectorError } from '../errors.ts';

/** The signals that end a run in good order, with the exit codes that shells expect: 128 + n. */
const SIGNALS = {
  SIGHUP: { number: 1, exitCode: 129 },
  SIGINT: { number: 2, exitCode: 130 },
  SIGTERM: { number: 15, exitCode: 143 },
} as const satisfies Record<string, { number: number; exitCode: ExitCode }>;

type SignalName = keyof typeof SIGNALS;

/** Signals to the process, as one AbortSignal. */
export interface Interrupt {
  /** Aborted by the first signal; its reason is a ProjectorError with the exit code. */
  readonly signal: AbortSignal;
  /** Aborts it for another reason. */
  abort(reason: unknown): void;
  /** Gives the signals back to the system. */
  stop(): void;
}

/**
 * Turns SIGINT, SIGTERM and SIGHUP into one AbortSignal, so that a run can clean up; a second
 * signal ends the process at once. SIGHUP stays ignored where it was, as under nohup.
 */
export function listenForSignals(onSecond: (code: ExitCode) => void = exitNow): Interrupt {
  const controller = new AbortController();
  const names = (Object.keys(SIGNALS) as SignalName[]).filter(
    (name) => name !== 'SIGHUP' || !ignoredAtStart(name),
  );
  const listeners = names.map((name) => {
    const listener = () => {
      if (controller.signal.aborted) onSecond(SIGNALS[name].exitCode);
      else controller.abort(interruption(name));
    };
    process.on(name, listener);
    return [name, listener] as const;
  });
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    stop: () => {
      for (const [name, listener] of listeners) process.off(name, listener);
    },
  };
}

/**
 * Lets the run go on when nothing can be written any more (`| head`, a lost terminal, a log on a disk
 * that is full): its output is lost, and the table is still right.
 */
export function surviveLostOutput(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
}

function interruption(name: SignalName): ProjectorError {
  return new ProjectorError({
    code: 'INTERRUPTED',
    message: `interrupted by ${name}`,
    hint: 'Run the same command again: it resumes from the last committed state.',
    exitCode: SIGNALS[name].exitCode,
  });
}

function exitNow(code: ExitCode): void {
  process.exit(code);
}

/** From SigIgn of /proc/self/status, a bit for each signal (proc(5)). It must be asked first. */
function ignoredAtStart(name: SignalName): boolean {
  try {
    const status = readFileSync('/proc/self/status', 'latin1');
    const mask = BigInt(`0x${/^SigIgn:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
    return (mask & (1n << BigInt(SIGNALS[name].number - 1))) !== 0n;
  } catch {
    return false;
  }
}
