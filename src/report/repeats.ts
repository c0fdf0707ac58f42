import type { Report } from './report.ts';

/** Reminders, as of a service that does not answer, come at longer intervals, and are all written. */
const INTERVAL_MS = 10_000;

interface Kind {
  readonly warning: string;
  readonly writtenMs: number;
  /** Warnings of the kind since then, which were not written. */
  left: number;
}

/** What warnings that differ in numbers, quoted names and objects only have in common. */
export function kindOf(warning: string): string {
  return warning.replaceAll(/gs:\/\/\S+|"(?:[^"]|"")*"|\d+/g, '*');
}

/** `warning`, with the number of others of its kind. */
export function countedText(warning: string, others: number): string {
  return others === 0 ? warning : `${warning} (and ${others} more of this kind)`;
}

/**
 * Of many warnings of one kind within ten seconds the first is written at once, and the number of the
 * others before whatever ends the report.
 */
export function withoutRepeats(report: Report, nowMs = () => performance.now()): Report {
  const kinds = new Map<string, Kind>();

  function flush(): void {
    for (const { warning, left } of kinds.values()) {
      if (left > 0) report.warn(countedText(warning, left));
    }
    kinds.clear();
  }

  return {
    ...report,
    warn(warning, fields) {
      const kind = kinds.get(kindOf(warning));
      if (kind !== undefined && nowMs() - kind.writtenMs < INTERVAL_MS) {
        kind.left++;
        return;
      }
      kinds.set(kindOf(warning), { warning, writtenMs: nowMs(), left: 0 });
      report.warn(countedText(warning, kind?.left ?? 0), fields);
    },
    error(error) {
      flush();
      report.error(error);
    },
    summary(summary) {
      flush();
      report.summary(summary);
    },
    close() {
      flush();
      report.close();
    },
  };
}
