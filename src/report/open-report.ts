import { withoutRepeats } from './repeats.ts';
import type { Report } from './report.ts';

/**
 * The report that suits the output: bars and paragraphs on a terminal, one JSON object a line
 * elsewhere. Only the one that is needed is loaded: it saves milliseconds of every run.
 */
export async function openReport(): Promise<Report> {
  const report = process.stdout.isTTY
    ? (await import('./terminal.ts')).terminalReport()
    : (await import('./json-lines.ts')).jsonLinesReport();
  return withoutRepeats(report);
}
