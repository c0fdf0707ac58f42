import type { Report } from '../report/report.ts';

/**
 * Reports what the runtime has to say: its warnings, and errors that nothing waits for. Such an error is
 * handed to `abort`, so that the run ends in good order.
 */
export function reportRuntimeEvents(report: Report, abort: (error: unknown) => void): void {
  process.removeAllListeners('warning'); // the runtime's own prints them as text
  process.on('warning', ({ name, message }) => report.warn(`${name}: ${message}`));
  process.on('uncaughtException', abort);
  process.on('unhandledRejection', abort);
}
