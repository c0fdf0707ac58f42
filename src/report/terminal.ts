import { failureParagraphs, failureText } from './failure-text.ts';
import { liveBars } from './live-bars.ts';
import type { Expected, Phase, PhaseName } from './phase.ts';
import { finishedLine } from './phase-line.ts';
import type { Report } from './report.ts';
import { newSecrets } from './secrets.ts';
import { type Summary, summaryText } from './summary.ts';

/** Outputs and clock of a test. */
export interface TerminalOptions {
  readonly out?: NodeJS.WriteStream;
  readonly errors?: NodeJS.WritableStream;
  readonly nowMs?: () => number;
}

/** Lines for people, and below them a bar for each phase under way. */
export function terminalReport(options: TerminalOptions = {}): Report {
  const { out = process.stdout, errors = process.stderr } = options;
  const { nowMs = () => performance.now() } = options;
  const openedMs = nowMs();
  const secrets = newSecrets();
  const bars = liveBars(out, nowMs);
  const print = (text: string) => bars.print(secrets.mask(text));

  function phase(name: PhaseName, expected: Expected = {}): Phase {
    const bar = bars.open(name, expected);
    return {
      advance: bar.advance,
      finish() {
        const state = bar.close();
        if (state !== undefined) print(finishedLine(state));
      },
    };
  }

  function error(thrown: unknown): void {
    bars.closeAll();
    errors.write(`${secrets.mask(failureParagraphs(failureText(thrown)))}\n`);
  }

  function summary(result: Summary): void {
    bars.closeAll();
    print(summaryText(result, (nowMs() - openedMs) / 1000));
  }

  return {
    identify: () => {},
    phase,
    info: (message) => print(message),
    warn: (message) => print(`Warning: ${message}`),
    error,
    summary,
    hide: secrets.hide,
    close: bars.closeAll,
  };
}
