import { failureParagraphs, failureText } from './failure-text.ts';
import { liveBars } from './live-bars.ts';
import type { Expected, Phase, PhaseName } from './phase.ts';
import { finishedLine } from './phase-line.ts';
import type { Report } from './report.ts';
import { newSecrets } from './secrets.ts';
import { type Summary, summaryText } from './summary.ts';

/** What tests put in the place of the outputs and the clock. */
export interface TerminalWorld {
  readonly out?: NodeJS.WriteStream;
  readonly errors?: NodeJS.WritableStream;
  readonly nowMs?: () => number;
}

/** Lines for people, and below them a bar for each phase under way. */
export function terminalReport(world: TerminalWorld = {}): Report {
  const { out = process.stdout, errors = process.stderr } = world;
  const { nowMs = () => performance.now() } = world;
  const openedMs = nowMs();
  const secrets = newSecrets();
  const bars = liveBars(out, nowMs);
  const say = (text: string) => bars.print(secrets.mask(text));

  function phase(name: PhaseName, expected: Expected = {}): Phase {
    const bar = bars.open(name, expected);
    return {
      advance: bar.advance,
      finish() {
        const state = bar.close();
        if (state !== undefined) say(finishedLine(state));
      },
    };
  }

  function error(thrown: unknown): void {
    bars.closeAll();
    errors.write(`${secrets.mask(failureParagraphs(failureText(thrown)))}\n`);
  }

  function summary(result: Summary): void {
    bars.closeAll();
    say(summaryText(result, (nowMs() - openedMs) / 1000));
  }

  return {
    phase,
    info: (message) => say(message),
    warn: (message) => say(`Warning: ${message}`),
    error,
    summary,
    hide: secrets.hide,
    close: bars.closeAll,
  };
}
