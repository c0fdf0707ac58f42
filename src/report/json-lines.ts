import { type DestinationStream, destination, type Logger, pino } from 'pino';
import { costText } from './cost.ts';
import { failureParagraphs, failureText } from './failure-text.ts';
import { fitLine } from './fit-line.ts';
import type { Expected, Phase, PhaseName } from './phase.ts';
import { finishedLine } from './phase-line.ts';
import type { Fields, Report } from './report.ts';
import { newSecrets } from './secrets.ts';
import { type Summary, summaryLine } from './summary.ts';

/** Outputs and clock of a test. */
export interface JsonLinesOptions {
  /** INFO and WARNING go here, ERROR to `errors`. Both must be written before the call returns. */
  readonly out?: DestinationStream;
  readonly errors?: DestinationStream;
  readonly nowMs?: () => number;
}

const PROGRESS_INTERVAL_MS = 10_000;

/**
 * One JSON object a line, as Cloud Logging reads structured logs: `severity`, `message`, `time`,
 * the facts of the run, and fields; a line has at most MAX_LINE_BYTES. https://cloud.google.com/logging/docs/structured-logging
 */
export function jsonLinesReport(options: JsonLinesOptions = {}): Report {
  const out = logger(options.out ?? outputOf(1));
  const errors = logger(options.errors ?? outputOf(2));
  const nowMs = options.nowMs ?? performance.now.bind(performance);
  const openedMs = nowMs();
  const secrets = newSecrets();
  let facts: Fields = {};
  const clean = (fields: Fields) => secrets.maskAll({ ...facts, ...fields }) as Fields;

  function info(message: string, fields: Fields = {}): void {
    out.info(clean(fields), secrets.mask(message));
  }

  function phase(name: PhaseName, expected: Expected = {}): Phase {
    return jsonPhase(name, expected, nowMs, info);
  }

  function error(thrown: unknown): void {
    const failure = failureText(thrown);
    const { code, hint, causes, stack } = failure;
    const cause = causes.length === 0 ? undefined : causes;
    errors.error(clean({ code, hint, cause, stack }), secrets.mask(failureParagraphs(failure)));
  }

  function summary(result: Summary): void {
    const { bytesBilled } = result;
    const cost = bytesBilled === undefined ? undefined : costText(bytesBilled);
    info(summaryLine(result), { ...result, cost, totalSeconds: (nowMs() - openedMs) / 1000 });
  }

  return {
    identify(more) {
      facts = { ...facts, ...more };
    },
    phase,
    info,
    warn: (message, fields = {}) => out.warn(clean(fields), secrets.mask(message)),
    error,
    summary,
    hide: secrets.hide,
    close: () => {},
  };
}

/** What cannot be written is lost, and the run goes on: pino would throw where the log is written. */
function outputOf(descriptor: 1 | 2): DestinationStream {
  return destination({ dest: descriptor, sync: true }).on('error', () => undefined);
}

type Write = (message: string, fields: Fields) => void;

/** A line at the end of the phase, and every ten seconds before. */
function jsonPhase(name: PhaseName, expected: Expected, nowMs: () => number, write: Write): Phase {
  const startedMs = nowMs();
  let state = { done: 0 };
  let lastMs = startedMs;
  let finished = false;

  function log(ended: boolean): void {
    const seconds = (nowMs() - startedMs) / 1000;
    const line = finishedLine({ name, expected, seconds, ...state });
    const fields = { phase: name, ...expected, ...state, seconds };
    write(ended ? line : `${line} so far`, fields);
  }

  return {
    advance(done, also = {}) {
      state = { done, ...also };
      if (finished || nowMs() - lastMs < PROGRESS_INTERVAL_MS) return;
      lastMs = nowMs();
      log(false);
    },
    finish() {
      if (!finished) log(true);
      finished = true;
    },
  };
}

const SEVERITY: Readonly<Record<string, string>> = {
  info: 'INFO',
  warn: 'WARNING',
  error: 'ERROR',
};

function logger(stream: DestinationStream): Logger {
  return pino(
    {
      base: null,
      messageKey: 'message',
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ severity: SEVERITY[label] ?? 'DEFAULT' }) },
    },
    { write: (line) => stream.write(fitLine(line)) },
  );
}
