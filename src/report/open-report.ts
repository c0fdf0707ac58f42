import type { Report } from './report.ts';

/**
 * The report that suits the output: bars and paragraphs on a terminal, one JSON object a line
 * elsewhere. Only the one that is needed is loaded: it saves milliseconds of every run.
 */
export async function openReport(): Promise<Report> {
  if (process.stdout.isTTY) return (await import('./terminal.ts')).terminalReport();
  return (await import('./json-lines.ts')).jsonLinesReport();
}
